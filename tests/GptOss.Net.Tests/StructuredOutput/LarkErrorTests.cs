using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>What is wrong with a grammar is told with its line, its column and what to write.</summary>
public sealed class LarkErrorTests
{
    [Theory]
    [InlineData("", 1, 1, "no rule is named 'start'")]
    [InlineData("begin: \"a\"", 1, 1, "write 'start: ...'")]
    [InlineData("start: a", 1, 8, "'a' is not defined; write 'a: ...'")]
    [InlineData("start: INT", 1, 8, "write '%import common.INT'")]
    [InlineData("start: \"a\"\nA: B", 2, 4, "'B' is not defined")]
    [InlineData("start: \"a", 1, 8, "no closing quotation mark")]
    [InlineData("start: /a", 1, 8, "no closing slash")]
    [InlineData("start: 'a'", 1, 8, "write \"...\"")]
    [InlineData("start = \"a\"", 1, 7, "write ':'")]
    [InlineData("start: \"a\" $", 1, 12, "'$' has no meaning here")]
    [InlineData("start: \"a\" 😀", 1, 12, "'😀' has no meaning here")]
    [InlineData("start: \"a\" \\\n  \"b\"", 1, 12, "backslash")]
    [InlineData("start: \"\\q\"", 1, 9, "'\\q' is no escape; write '\\\\'")]
    [InlineData("start: \"\\u12\"", 1, 9, "4 hexadecimal digits")]
    [InlineData("start: \"\\ud83d\\ude00\"", 1, 9, "write \\U and 8 digits")]
    [InlineData("start: (\"a\" | \"b\"", 1, 18, "'(' at line 1, column 8 has no end before the end of the grammar; write ')'")]
    [InlineData("start: [\"a\"\nb: \"c\"", 2, 2, "has no end before ':'; write ']'")]
    [InlineData("start: [\"a\")", 1, 12, "write ']'")]
    [InlineData("start: \"a\")", 1, 11, "no opening bracket")]
    [InlineData("start: * \"a\"", 1, 8, "nothing before it to repeat")]
    [InlineData("start: \"a\"+?", 1, 12, "in parentheses")]
    [InlineData("start: \"a\"~", 1, 12, "write '~3' or '~1..3'")]
    [InlineData("start: \"a\"~3..1", 1, 12, "put the smaller number first")]
    [InlineData("start: \"a\"~99999999999", 1, 12, "a number must follow '~'")]
    [InlineData("start: \"a\"~30000", 1, 1, "make the numbers behind '~' smaller")]
    [InlineData("start: \"z\"..\"a\"", 1, 8, "write \"a\"..\"z\"")]
    [InlineData("start: \"ab\"..\"z\"", 1, 8, "from one character to a later one")]
    [InlineData("start: A..\"z\"", 1, 9, "write \"a\"..\"z\"")]
    [InlineData("start \"a\"", 1, 7, "a colon must follow the name 'start'")]
    [InlineData("start: b: \"a\"", 1, 9, "on a line of its own")]
    [InlineData("start: \"a\"\n\"b\"", 2, 1, "\"b\" cannot begin a line")]
    [InlineData("start: \"a\"\nstart: \"b\"", 2, 1, "'start' is defined a second time")]
    [InlineData("start: \"a\"\n%import common.INT\nINT: \"b\"", 3, 1, "'INT' is defined a second time")]
    [InlineData("start: Ab\nAb: \"a\"", 1, 8, "'Ab' is no name")]
    [InlineData("1start: \"a\"", 1, 1, "'1' cannot begin a line")]
    [InlineData("start: A\nA: A \"a\"", 2, 4, "the terminal 'A' refers to itself")]
    [InlineData("start: A\nA: b\nb: \"a\"", 2, 4, "cannot refer to the rule 'b'")]
    [InlineData("start: \"a\" start", 1, 1, "the rule 'start' has no text")]
    [InlineData("start: \"a\" | b\nb: \"b\" c\nc: b", 2, 1, "the rule 'b' has no text")]
    [InlineData("start: /(/", 1, 8, "the terminal has an opening parenthesis without a closing one")]
    [InlineData("start: /(?i:a)/", 1, 8, "inline option")]
    [InlineData("start: /(a)\\1/", 1, 8, "back reference")]
    [InlineData("start: /a/x", 1, 8, "the flag 'x'")]
    [InlineData("start: \"a\"\nA: \"x\" /[/", 2, 8, "an opening bracket")]
    [InlineData("start: /a(?=b)/", 1, 8, "matches no string")]
    [InlineData("start: /([a-z]{100}){100}/", 1, 8, "nodes")]
    [InlineData("start: list{\"a\"}\nlist{x}: x", 1, 12, "templates are not supported")]
    [InlineData("list{x}: x\nstart: list{\"a\"}", 1, 5, "templates are not supported")]
    [InlineData("start.2: \"a\"", 1, 6, "priorities are not supported")]
    [InlineData("start: A\nA.-1: \"a\"", 2, 3, "'-' has no meaning here")]
    [InlineData("start: A\n%declare A", 2, 1, "'%declare' is not supported")]
    [InlineData("start: \"a\"\n%extend start: \"b\"", 2, 1, "'%extend' is not supported")]
    [InlineData("start: \"a\"\n%override start: \"b\"", 2, 1, "'%override' is not supported")]
    [InlineData("start: \"a\"\n%skip \" \"", 2, 1, "'%skip' is not known; there are %ignore and %import")]
    [InlineData("start: \"a\"\n%import python.NAME", 2, 9, "only 'common'")]
    [InlineData("start: \"a\"\n%import .other.NAME", 2, 9, "only 'common'")]
    [InlineData("start: \"a\"\n%import common", 2, 15, "write '%import common.NAME'")]
    [InlineData("start: \"a\"\n%import common.STRING", 2, 16, "'common' has no 'STRING'; it has DIGIT, HEXDIGIT, INT")]
    [InlineData("start: \"a\"\n%import common.INT -> number", 2, 16, "write it in capitals")]
    [InlineData("start: \"a\"\n%ignore spaces", 2, 9, "cannot refer to the rule 'spaces'")]
    public void An_error_names_the_place_and_what_to_write(string grammar, int line, int column, string message) =>
        FluentActions.Invoking(() => LarkGrammars.Compile(grammar)).Should().Throw<ArgumentException>()
            .WithMessage($"The grammar, line {line}, column {column}: *").Which.Message.Should().Contain(message);

    [Fact]
    public void Groups_do_not_nest_without_end() =>
        FluentActions.Invoking(() => LarkGrammars.Compile("start: " + new string('(', 100_000 - 7))).Should().Throw<ArgumentException>()
            .WithMessage("*line 1, column 72: groups nest more than 64 deep*");

    [Fact]
    public void Terminals_do_not_refer_to_each_other_without_end()
    {
        var terminals = string.Join('\n', Enumerable.Range(0, 5_000).Select(i => $"A{i}: A{i + 1} \"a\"")) + "\nA5000: \"a\"";
        FluentActions.Invoking(() => LarkGrammars.Compile($"start: A0\n{terminals}")).Should().Throw<ArgumentException>()
            .WithMessage("*more than 64 deep*");
    }

    [Fact]
    public void A_grammar_is_not_too_long() =>
        FluentActions.Invoking(() => LarkGrammars.Compile(new string(' ', LarkGrammar.MaxLength + 1))).Should().Throw<ArgumentException>()
            .WithMessage("The grammar has 100001 characters and may have 100000.*");

    [Theory]
    [InlineData("start: ((((\"a\"~9)~9)~9)~9)~9")]
    [InlineData("start: A\nA: B~50\nB: C~50\nC: D~50\nD: \"d\"")]
    public void Repetitions_are_bounded_once_they_are_written_out(string grammar) =>
        FluentActions.Invoking(() => LarkGrammars.Compile(grammar)).Should().Throw<ArgumentException>().WithMessage("*smaller*");

    [Fact]
    public void There_are_not_too_many_rules()
    {
        var rules = string.Join('\n', Enumerable.Range(0, 1_001).Select(i => $"a{i}: \"a\""));
        FluentActions.Invoking(() => LarkGrammars.Compile($"start: a0\n{rules}")).Should().Throw<ArgumentException>()
            .WithMessage("*1002 rules and may be 1000*");
    }
}
