namespace GptOss.Net.Harmony;

/// <summary>One of the types that a value may have.</summary>
/// <param name="Type">The type, without null.</param>
/// <param name="IsUnion">Whether it is several types again.</param>
/// <param name="Texts">What the schema says about it.</param>
/// <param name="Notes">Its bounds.</param>
/// <param name="Node">Its values.</param>
internal sealed record SchemaVariant(string Type, bool IsUnion, SchemaTexts Texts, IReadOnlyList<string> Notes, SchemaNode Node)
{
    /// <summary>Whether there is more to write than its type.</summary>
    public bool NeedsLine => Texts.Description is not null || Notes.Count > 0 || Type.Contains('\n', StringComparison.Ordinal);

    /// <summary>The comment behind it.</summary>
    public string Trailing(string? description) => SchemaNotes.Trailing(description, Notes, SchemaNotes.Default(Texts, Node));
}
