namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>The kinds of words in a grammar.</summary>
internal enum LarkTokenKind
{
    /// <summary>The name of a rule or of a terminal.</summary>
    Name,

    /// <summary>A text in quotation marks.</summary>
    Literal,

    /// <summary>A regular expression between slashes.</summary>
    Pattern,

    /// <summary>A whole number.</summary>
    Number,

    /// <summary>A per cent sign and a word.</summary>
    Directive,

    /// <summary>An operator or a bracket.</summary>
    Symbol,

    /// <summary>The end of a line.</summary>
    NewLine,

    /// <summary>The end of the grammar.</summary>
    End,
}
