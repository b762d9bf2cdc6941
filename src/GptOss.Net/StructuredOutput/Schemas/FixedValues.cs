using System.Text.Json;
using GptOss.Net.StructuredOutput.Json;

namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>The values of enum and const. Beside these, only types are looked at.</summary>
internal static class FixedValues
{
    // What it costs to write an array or an object, beside a plain value.
    private const int StructureWork = 8;

    /// <summary>Returns the values as JSON that all schemas allow, or null if none has enum or const.</summary>
    public static IReadOnlyCollection<string>? Find(IReadOnlyList<SchemaKeywords> schemas, JsonTypes types, SchemaBudget budget)
    {
        HashSet<string>? allowed = null;
        foreach (var values in schemas.SelectMany(Lists))
        {
            var texts = new HashSet<string>(StringComparer.Ordinal);
            foreach (var value in values)
            {
                budget.SpendWork(SchemaBudget.WorkOf(SchemaBudget.LengthOf(value)) + (value.ValueKind is JsonValueKind.Array or JsonValueKind.Object ? StructureWork : 0));
                if ((TypeOf(value) & types) != JsonTypes.None)
                {
                    texts.Add(JsonLiteral.Write(value));
                }
            }

            if (allowed is null)
            {
                allowed = texts;
            }
            else
            {
                allowed.IntersectWith(texts);
            }
        }

        return allowed;
    }

    private static IEnumerable<IEnumerable<JsonElement>> Lists(SchemaKeywords schema)
    {
        if (schema.Array("enum") is { } values)
        {
            yield return values.EnumerateArray();
        }

        if (schema.TryGet("const", out var value))
        {
            yield return [value];
        }
    }

    private static JsonTypes TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => JsonTypes.Null,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        JsonValueKind.String => JsonTypes.String,
        JsonValueKind.Array => JsonTypes.Array,
        JsonValueKind.Object => JsonTypes.Object,
        _ => value.TryGetDouble(out var number) && number == Math.Floor(number) ? JsonTypes.Integer : JsonTypes.Fraction,
    };
}
