using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>What a schema says in words where it is used. What it does not say is taken from what it refers to.</summary>
internal sealed record SchemaTexts
{
    public static readonly SchemaTexts None = new();

    // A schema with its reference, and that one's.
    private const int MaxElements = 8;

    public string? Title { get; private init; }

    public string? Description { get; private init; }

    public IReadOnlyList<JsonElement>? Examples { get; private init; }

    public JsonElement? Default { get; private init; }

    /// <summary>Reads the texts of some schemas: the first that says something counts.</summary>
    public static SchemaTexts Read(SchemaDocument document, IReadOnlyList<SchemaPart> parts)
    {
        var texts = None;
        List<SchemaPart>? more = null;
        for (var i = 0; i < Math.Min(MaxElements, parts.Count + (more?.Count ?? 0)); i++)
        {
            var part = i < parts.Count ? parts[i] : more![i - parts.Count];
            texts = texts.Or(part.Element);
            if (part.Element.StringKeyword("$ref") is { } reference && document.References.Resolve(reference, part.Path) is { } target)
            {
                (more ??= []).Add(target);
            }

            if (part.Element.ArrayKeyword("allOf") is [var only])
            {
                (more ??= []).Add(new SchemaPart(only, part.Path.Add("allOf").Add(0)));
            }
        }

        return texts;
    }

    /// <summary>These texts, and where they say nothing those of others.</summary>
    public SchemaTexts Or(SchemaTexts others) => new()
    {
        Title = Title ?? others.Title,
        Description = Description ?? others.Description,
        Examples = Examples ?? others.Examples,
        Default = Default ?? others.Default,
    };

    private SchemaTexts Or(JsonElement schema)
    {
        var own = (
            schema.StringKeyword("title"), schema.StringKeyword("description"), schema.ArrayKeyword("examples"), schema.Keyword("default"));
        return own is (null, null, null, null)
            ? this
            : Or(new SchemaTexts { Title = own.Item1, Description = own.Item2, Examples = own.Item3, Default = own.Item4 });
    }
}
