using System.Text.Json;
using GptOss.Net.StructuredOutput.Json;

namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>
/// Compiles what schemas say about objects. An object that declares properties has no others unless it says so; one that declares
/// none may have any. <c>minProperties</c> and <c>maxProperties</c> are not enforced.
/// </summary>
internal static class ObjectFormCompiler
{
    public static ObjectForm Compile(IReadOnlyList<SchemaKeywords> schemas, SchemaCompiler compiler)
    {
        var declared = schemas.Select(schema => Declared(schema, compiler)).ToList();
        var others = schemas.Select(Others).ToList();
        var required = schemas.SelectMany(schema => Required(schema, compiler)).ToHashSet(StringComparer.Ordinal);
        var names = declared.SelectMany(properties => properties.Keys).Concat(required).Distinct(StringComparer.Ordinal).ToList();
        var properties = new List<ObjectProperty>(names.Count);
        foreach (var name in names)
        {
            compiler.Spend(schemas.Count);
            var parts = declared.SelectMany((own, i) => own.TryGetValue(name, out var part) ? [part] : others[i]);
            properties.Add(new ObjectProperty(name, compiler.RuleFor(parts), required.Contains(name)));
        }

        var isOpen = others.Any(other => other.Count > 0) || declared.TrueForAll(own => own.Count == 0);
        return new ObjectForm(properties, isOpen ? compiler.RuleFor(others.SelectMany(other => other)) : null);
    }

    // An ordered dictionary: properties come in the order of the schema.
    private static OrderedDictionary<string, SchemaPart> Declared(SchemaKeywords schema, SchemaCompiler compiler)
    {
        var declared = new OrderedDictionary<string, SchemaPart>(StringComparer.Ordinal);
        if (schema.Object("properties") is { } properties)
        {
            var path = schema.Path.Add("properties");
            foreach (var property in properties.EnumerateObject())
            {
                var name = property.Name;
                compiler.Spend(SchemaBudget.WorkOf(name.Length));
                declared[name] = new SchemaPart(property.Value, path.Add(name));
            }
        }

        return declared;
    }

    private static IReadOnlyList<SchemaPart> Others(SchemaKeywords schema) => schema.TryGet("additionalProperties", out var others)
        ? [new SchemaPart(others, schema.Path.Add("additionalProperties"))]
        : [];

    private static IEnumerable<string> Required(SchemaKeywords schema, SchemaCompiler compiler)
    {
        // Draft 3 had a flag inside of each property.
        if (!schema.TryGet("required", out var flag) || flag.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            yield break;
        }

        foreach (var name in schema.Array("required")!.Value.EnumerateArray())
        {
            compiler.Spend(SchemaBudget.WorkOf(SchemaBudget.LengthOf(name)));
            yield return name.ValueKind == JsonValueKind.String
                ? name.GetString()!
                : throw schema.Invalid("required", "must hold names");
        }
    }
}
