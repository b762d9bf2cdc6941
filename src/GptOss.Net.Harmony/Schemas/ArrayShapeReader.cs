using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>Reads what schemas say about arrays.</summary>
internal static class ArrayShapeReader
{
    public static ArrayShape Read(IReadOnlyList<SchemaKeywords> schemas, SchemaReader reader)
    {
        var minItems = schemas.Max(schema => schema.CountOf("minItems")) ?? 0;
        var maxItems = schemas.Min(schema => schema.CountOf("maxItems"));
        if (minItems > maxItems)
        {
            schemas[0].ReportInvalid("minItems", $"is {minItems}, above 'maxItems' {maxItems}");
            (minItems, maxItems) = (0, null);
        }

        if (minItems > SchemaLimits.MaxMinimum)
        {
            schemas[0].Report("minItems", $"is {minItems} and may be {SchemaLimits.MaxMinimum}");
            minItems = 0;
        }

        var lists = schemas.Select(Items).ToList();
        var prefix = new List<SchemaUse>();
        for (var i = 0; i < lists.Select(list => list.First.Count).DefaultIfEmpty().Max(); i++)
        {
            reader.Spend(2 * lists.Count);
            prefix.Add(reader.UseOf([.. lists.SelectMany(list => i < list.First.Count ? [list.First[i]] : list.Others)]));
        }

        return new ArrayShape(prefix, reader.UseOf([.. lists.SelectMany(list => list.Others)]), minItems, maxItems)
        {
            Notes = SchemaShapeReader.Notes(schemas, "minItems", "maxItems", "uniqueItems"),
        };
    }

    // Before draft 2020-12 an array of items was a tuple, and additionalItems came after it.
    private static (IReadOnlyList<SchemaPart> First, IReadOnlyList<SchemaPart> Others) Items(SchemaKeywords schema)
    {
        var isTuple = schema.TryGet("items", out var items) && items.ValueKind == JsonValueKind.Array;
        var prefix = isTuple ? "items" : "prefixItems";
        var rest = isTuple ? "additionalItems" : "items";
        var first = new List<SchemaPart>();
        if (schema.Array(prefix) is { } elements)
        {
            var path = schema.Path.Add(prefix);
            foreach (var element in elements.EnumerateArray())
            {
                first.Add(new SchemaPart(element, path.Add(first.Count)));
            }
        }

        return (first, schema.TryGet(rest, out var others) ? [new SchemaPart(others, schema.Path.Add(rest))] : []);
    }
}
