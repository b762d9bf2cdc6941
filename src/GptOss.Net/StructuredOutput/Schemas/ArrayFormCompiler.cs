using System.Text.Json;
using GptOss.Net.StructuredOutput.Json;

namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>Compiles what schemas say about arrays. <c>uniqueItems</c> is not enforced.</summary>
internal static class ArrayFormCompiler
{
    public static ArrayForm Compile(IReadOnlyList<SchemaKeywords> schemas, SchemaCompiler compiler)
    {
        var minItems = schemas.Max(schema => schema.Count("minItems")) ?? 0;
        var maxItems = schemas.Min(schema => schema.Count("maxItems"));
        if (minItems > SchemaLimits.MaxMinimum)
        {
            throw SchemaRefusal.Unsupported(schemas[0].Path, $"'minItems' is {minItems} and may be {SchemaLimits.MaxMinimum}");
        }

        var lists = schemas.Select(Items).ToList();
        var prefix = new List<ValueRule>();
        for (var i = 0; i < lists.Max(list => list.First.Count); i++)
        {
            compiler.Spend(lists.Count);
            prefix.Add(compiler.RuleFor(lists.SelectMany(list => i < list.First.Count ? [list.First[i]] : list.Others)));
        }

        return new ArrayForm(prefix, compiler.RuleFor(lists.SelectMany(list => list.Others)), minItems, maxItems);
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
