namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Which half of a surrogate pair an escape is.</summary>
internal enum SurrogateHalf
{
    /// <summary>None: a character of its own.</summary>
    None,

    /// <summary>The first, or none: its first digit is a D.</summary>
    Maybe,

    /// <summary>The first.</summary>
    First,

    /// <summary>The second.</summary>
    Second,
}
