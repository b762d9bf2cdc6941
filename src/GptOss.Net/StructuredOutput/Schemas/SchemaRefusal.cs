namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>The errors for schemas that are not compiled.</summary>
internal static class SchemaRefusal
{
    /// <summary>The schema is wrong in itself.</summary>
    public static ArgumentException Invalid(SchemaPath path, string problem) => new($"The JSON schema is not valid at '{path}': {problem}.");

    /// <summary>The schema may be right, but its answers cannot be enforced.</summary>
    public static NotSupportedException Unsupported(SchemaPath path, string problem) =>
        new($"The JSON schema cannot be enforced at '{path}': {problem}.");

    /// <summary>The schema is too large.</summary>
    public static ArgumentException TooLarge(string problem) => new($"The JSON schema is too large: {problem}.");
}
