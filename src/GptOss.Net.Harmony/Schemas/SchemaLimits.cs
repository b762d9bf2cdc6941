namespace GptOss.Net.Harmony;

/// <summary>
/// The bounds that keep the compilation of any schema within a quarter of a second and 32 MB, garbage included. They count work, so
/// that what is refused does not depend on the machine; patterns have their own.
/// </summary>
internal static class SchemaLimits
{
    /// <summary>The greatest size of a schema, in bytes.</summary>
    public const int MaxSize = 1 << 20;

    /// <summary>The greatest depth of a schema, in levels of JSON.</summary>
    public const int MaxDepth = 64;

    /// <summary>The greatest depth of an answer, in arrays and objects.</summary>
    public const int MaxAnswerDepth = 32;

    /// <summary>The greatest number of schemas after references, allOf, anyOf and oneOf are resolved.</summary>
    public const int MaxNodes = 4_000;

    /// <summary>The greatest number of keywords, properties, names and values looked at.</summary>
    public const int MaxWork = 50_000;

    /// <summary>The greatest minLength, and the greatest minItems: more than a context holds.</summary>
    public const int MaxMinimum = 100_000;
}
