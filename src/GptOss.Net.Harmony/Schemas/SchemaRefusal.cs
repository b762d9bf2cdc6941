namespace GptOss.Net.Harmony;

/// <summary>The errors for schemas that are not read.</summary>
internal static class SchemaRefusal
{
    /// <summary>The schema is wrong in itself.</summary>
    public static ArgumentException Invalid(SchemaPath path, string problem) =>
        new($"The JSON schema is not valid at '{path}'{Member(path)}: {problem}.");

    /// <summary>The schema may be right, but its answers cannot be enforced.</summary>
    public static NotSupportedException Unsupported(SchemaPath path, string problem) =>
        new($"The JSON schema cannot be enforced at '{path}'{Member(path)}: {problem}.");

    /// <summary>The schema is too large.</summary>
    public static ArgumentException TooLarge(string problem) => new($"The JSON schema is too large: {problem}.");

    private static string Member(SchemaPath path) => path.Property is { } name ? $", the property '{name}'" : "";
}
