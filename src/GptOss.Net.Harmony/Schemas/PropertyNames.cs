using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>What <c>propertyNames</c> says: which names there may be, or how they look.</summary>
/// <param name="Listed">The names; null where they are not listed.</param>
/// <param name="Shape">How the names look that are not declared.</param>
internal sealed record PropertyNames(IReadOnlyCollection<string>? Listed, StringShape Shape)
{
    private static readonly PropertyNames Any = new(null, new StringShape());

    private static readonly SchemaFacts Text = SchemaFacts.None with { Types = JsonTypes.String };

    /// <summary>Whether a declared property may have its name.</summary>
    public bool Allows(string name) => Listed?.Contains(name, StringComparer.Ordinal) != false;

    public static PropertyNames Read(IReadOnlyList<SchemaKeywords> schemas, SchemaReader reader)
    {
        List<SchemaPart> parts = [];
        foreach (var schema in schemas)
        {
            if (schema.TryGet("propertyNames", out var names))
            {
                parts.Add(new SchemaPart(names, schema.Path.Add("propertyNames")));
            }
        }

        if (parts.Count == 0)
        {
            return Any;
        }

        switch (reader.ShapesOf(parts, Text))
        {
            case []:
                return Any with { Listed = [] };
            case [FixedShape values]:
                return Any with { Listed = [.. values.Values.Select(value => JsonElement.Parse(value).GetString()!)] };
            case [StringShape shape]:
                return Any with { Shape = shape };
            default:
                schemas.First(schema => schema.Has("propertyNames")).Report("propertyNames", "is not enforced where it leaves a choice");
                return Any;
        }
    }
}
