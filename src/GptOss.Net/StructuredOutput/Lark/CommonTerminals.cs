namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>The terminals of Lark's module <c>common</c>, as regular expressions without anything lazy.</summary>
internal static class CommonTerminals
{
    private static readonly OrderedDictionary<string, string> Patterns = new(StringComparer.Ordinal)
    {
        ["DIGIT"] = "[0-9]",
        ["HEXDIGIT"] = "[0-9A-Fa-f]",
        ["INT"] = "[0-9]+",
        ["SIGNED_INT"] = "[+-]?[0-9]+",
        ["DECIMAL"] = @"[0-9]+\.[0-9]*|\.[0-9]+",
        ["FLOAT"] = @"[0-9]+[Ee][+-]?[0-9]+|([0-9]+\.[0-9]*|\.[0-9]+)([Ee][+-]?[0-9]+)?",
        ["SIGNED_FLOAT"] = @"[+-]?([0-9]+[Ee][+-]?[0-9]+|([0-9]+\.[0-9]*|\.[0-9]+)([Ee][+-]?[0-9]+)?)",
        ["NUMBER"] = @"([0-9]+(\.[0-9]*)?|\.[0-9]+)([Ee][+-]?[0-9]+)?",
        ["SIGNED_NUMBER"] = @"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([Ee][+-]?[0-9]+)?",
        ["ESCAPED_STRING"] = """
            "([^"\\\n]|\\[^\n])*"
            """,
        ["LCASE_LETTER"] = "[a-z]",
        ["UCASE_LETTER"] = "[A-Z]",
        ["LETTER"] = "[A-Za-z]",
        ["WORD"] = "[A-Za-z]+",
        ["CNAME"] = "[A-Za-z_][0-9A-Za-z_]*",
        ["WS_INLINE"] = @"[ \t]+",
        ["WS"] = @"[ \t\f\r\n]+",
        ["CR"] = @"\r",
        ["LF"] = @"\n",
        ["NEWLINE"] = @"(\r?\n)+",
        ["SH_COMMENT"] = @"#[^\n]*",
        ["CPP_COMMENT"] = @"//[^\n]*",
        ["C_COMMENT"] = @"/\*([^*]|\*+[^*/])*\*+/",
        ["SQL_COMMENT"] = @"--[^\n]*",
    };

    /// <summary>The names of all, for an error.</summary>
    public static string Names { get; } = string.Join(", ", Patterns.Keys);

    public static bool Contains(string name) => Patterns.ContainsKey(name);

    /// <summary>Returns what a terminal stands for; null if there is none of that name.</summary>
    public static LarkPattern? Find(string name, LarkPlace place) =>
        Patterns.TryGetValue(name, out var pattern) ? new LarkPattern(pattern, IgnoresCase: false, DotIsAny: false, place) : null;
}
