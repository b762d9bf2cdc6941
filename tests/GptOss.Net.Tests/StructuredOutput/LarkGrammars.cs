using System.Text;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>Grammars in Lark's notation as people write them, and short ways to try texts on them.</summary>
internal static class LarkGrammars
{
    public const string Arithmetic = """
        // What a pocket calculator knows.
        ?start: sum
        ?sum: product
            | sum "+" product   -> add
            | sum "-" product   -> sub
        ?product: atom
            | product "*" atom  -> mul
            | product "/" atom  -> div
        ?atom: NUMBER           -> number
             | "-" atom         -> neg
             | "(" sum ")"

        %import common.NUMBER
        %import common.WS_INLINE
        %ignore WS_INLINE
        """;

    public const string AmbiguousArithmetic = """
        start: start ("+" | "-" | "*" | "/") start | "-" start | "(" start ")" | NUMBER
        %import common (NUMBER, WS_INLINE)
        %ignore WS_INLINE
        """;

    public const string SExpressions = """
        start: list
        list: "(" [item (" " item)*] ")"
        item: SYMBOL | INT | list | STRING
        SYMBOL: /[a-z+*\/<=>-][a-z0-9+*\/<=>-]*/
        STRING: "\"" /[^"\n]/* "\""
        %import common.INT
        """;

    public const string Sql = """
        start: "SELECT"i columns "FROM"i NAME [where] [order] ["LIMIT"i INT] ";"
        columns: "*" | column ("," column)*
        column: NAME | FUNCTION "(" (NAME | "*") ")"
        FUNCTION: "count"i | "sum"i | "avg"i
        where: "WHERE"i condition
        condition: condition ("AND"i | "OR"i) condition
                 | NAME ("=" | "<" | ">" | "<=" | ">=" | "<>" | "LIKE"i) value
                 | "NOT"i condition
                 | "(" condition ")"
        value: INT | /'[^'\n]*'/
        order: "ORDER"i "BY"i NAME ["ASC"i | "DESC"i]
        NAME: /[a-z_][a-z0-9_]{0,30}/

        %import common.INT
        %import common.WS
        %ignore WS
        """;

    public const string Json = """
        start: value
        ?value: object | array | STRING | NUMBER | "true" | "false" | "null"
        object: "{" [pair ("," pair)*] "}"
        pair: STRING ":" value
        array: "[" [value ("," value)*] "]"
        STRING: /"([^"\\\x00-\x1f]|\\["\\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/
        NUMBER: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/
        WS: /[ \t\n\r]+/
        %ignore WS
        """;

    public static LarkGrammar Compile(string grammar) =>
        LarkGrammar.Compile(grammar, nameof(grammar), TestContext.Current.CancellationToken);

    public static bool Accepts(LarkGrammar grammar, string text) =>
        grammar.Start().Advance(Encoding.UTF8.GetBytes(text)) is { IsAccepting: true };

    public static bool Accepts(string grammar, string text) => Accepts(Compile(grammar), text);
}
