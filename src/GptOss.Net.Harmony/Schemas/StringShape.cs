namespace GptOss.Net.Harmony;

/// <summary>A string.</summary>
internal sealed record StringShape : SchemaShape
{
    /// <summary>The least number of code points.</summary>
    public int MinLength { get; init; }

    /// <summary>The greatest number of code points; null if there is no bound.</summary>
    public int? MaxLength { get; init; }

    /// <summary>Where the schema is that bounds it.</summary>
    public SchemaPath Path { get; init; } = SchemaPath.Root;

    /// <summary>Regular expressions that it matches.</summary>
    public IReadOnlyList<string> Patterns { get; init; } = [];

    /// <summary>Regular expressions that it does not match.</summary>
    public IReadOnlyList<string> NotPatterns { get; init; } = [];

    /// <summary>Texts that it is not.</summary>
    public IReadOnlyList<string> Excluded { get; init; } = [];

    /// <summary>The format; null if there is none.</summary>
    public string? Format { get; init; }
}
