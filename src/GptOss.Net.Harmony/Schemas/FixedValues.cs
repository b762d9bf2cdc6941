using System.Globalization;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>The values of enum and const. Beside these, types, bounds of numbers and lengths of strings are looked at.</summary>
internal static class FixedValues
{
    // What it costs to write an array or an object, beside a plain value.
    private const int StructureWork = 8;

    /// <summary>
    /// Returns the values as JSON that all schemas allow, in the order of the first that lists some, or null if none has enum or const.
    /// </summary>
    public static IReadOnlyList<string>? Find(
        IReadOnlyList<SchemaKeywords> schemas, JsonTypes types, SchemaFacts facts, SchemaBudget budget)
    {
        List<string>? allowed = null;
        foreach (var (schema, values) in schemas.SelectMany(Lists))
        {
            var texts = new OrderedDictionary<string, bool>(StringComparer.Ordinal);
            foreach (var value in values)
            {
                var isStructure = value.ValueKind is JsonValueKind.Array or JsonValueKind.Object;
                budget.SpendWork(SchemaBudget.WorkOf(SchemaBudget.LengthOf(value)) + (isStructure ? StructureWork : 0));
                if ((JsonTypeNames.Of(value) & types) != JsonTypes.None && schemas.All(other => Allows(other, value)))
                {
                    texts.TryAdd(JsonText.Compact(value), true);
                }
            }

            allowed = allowed is null ? [.. texts.Keys] : allowed.FindAll(texts.ContainsKey);
            if (schema.Has("pattern"))
            {
                schema.Report("pattern", "is not enforced beside enum and const", SchemaOmissionKind.Documented);
            }
        }

        if (allowed is not null && !facts.Excluded.IsEmpty)
        {
            var excluded = facts.Excluded.Select(JsonText.Compact).ToHashSet(StringComparer.Ordinal);
            allowed.RemoveAll(excluded.Contains);
        }

        return allowed;
    }

    private static IEnumerable<(SchemaKeywords Schema, IEnumerable<JsonElement> Values)> Lists(SchemaKeywords schema)
    {
        if (schema.Array("enum") is { } values)
        {
            yield return (schema, values.EnumerateArray());
        }

        if (schema.TryGet("const", out var value))
        {
            yield return (schema, [value]);
        }
    }

    private static bool Allows(SchemaKeywords schema, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => !(value.GetDouble() < Bound(schema, "minimum")) && !(value.GetDouble() > Bound(schema, "maximum")),
        JsonValueKind.String when schema.Has("minLength") || schema.Has("maxLength") =>
            value.GetString()!.EnumerateRunes().Count() is var length && !(length < schema.CountOf("minLength"))
                && !(length > schema.CountOf("maxLength")),
        _ => true,
    };

    private static double? Bound(SchemaKeywords schema, string keyword) =>
        schema.Number(keyword) is { } text ? double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture) : null;
}
