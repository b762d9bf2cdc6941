using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>
/// Reads what schemas say about objects. An object that declares properties has no others unless it says so; one that declares
/// none may have any.
/// </summary>
internal sealed class ObjectShapeReader
{
    private readonly IReadOnlyList<SchemaKeywords> _schemas;
    private readonly SchemaFacts _facts;
    private readonly SchemaReader _reader;
    private readonly OrderedDictionary<string, SchemaPart>[] _declared; // [schema]
    private readonly SchemaPart[][] _others; // [schema] what it says about properties that it does not declare
    private readonly List<NamePattern> _patterns;

    private ObjectShapeReader(IReadOnlyList<SchemaKeywords> schemas, SchemaFacts facts, SchemaReader reader)
    {
        (_schemas, _facts, _reader) = (schemas, facts, reader);
        _declared = new OrderedDictionary<string, SchemaPart>[schemas.Count];
        _others = new SchemaPart[schemas.Count][];
        for (var i = 0; i < schemas.Count; i++)
        {
            _declared[i] = Declared(schemas[i]);
            _others[i] = Value(schemas[i], "additionalProperties");
        }

        _patterns = NamePattern.Read(schemas);
    }

    public static ObjectShape Read(IReadOnlyList<SchemaKeywords> schemas, SchemaFacts facts, SchemaReader reader) =>
        new ObjectShapeReader(schemas, facts, reader).Read();

    private ObjectShape Read()
    {
        var required = _schemas.SelectMany(Required).Concat(_facts.Present).ToHashSet(StringComparer.Ordinal);
        var names = PropertyNames.Read(_schemas, _reader);
        var declared = _declared.SelectMany(own => own.Keys).Concat(required).Concat(names.Listed ?? []).Distinct(StringComparer.Ordinal);
        var properties = new List<SchemaProperty>();
        foreach (var name in declared)
        {
            _reader.Spend(_schemas.Count);
            var isAllowed = !_facts.Absent.Contains(name) && names.Allows(name);
            properties.Add(new SchemaProperty(name, isAllowed ? Property(name) : Nothing(), required.Contains(name)));
        }

        return new ObjectShape(properties, names.Listed is null ? [.. Others(names.Shape)] : [])
        {
            Notes = SchemaShapeReader.Notes(_schemas, "minProperties", "maxProperties"),
        };
    }

    private SchemaUse Property(string name)
    {
        var parts = new List<SchemaPart>(1);
        var isDeclared = false;
        for (var i = 0; i < _schemas.Count; i++)
        {
            var isOwn = _declared[i].TryGetValue(name, out var own);
            if (isOwn)
            {
                parts.Insert(0, own);
            }

            var count = parts.Count;
            AddMatching(i, name, parts);
            if (isOwn || parts.Count > count)
            {
                isDeclared = true;
            }
            else
            {
                parts.AddRange(_others[i]);
            }
        }

        if (!isDeclared)
        {
            parts.AddRange(_schemas.SelectMany(schema => Value(schema, "unevaluatedProperties")));
        }

        return _reader.UseOf(parts);
    }

    private void AddMatching(int schema, string name, List<SchemaPart> parts)
    {
        foreach (var pattern in _patterns)
        {
            if (pattern.Schema == schema && pattern.Matches(name))
            {
                parts.Add(pattern.Value);
            }
        }
    }

    private SchemaUse Nothing() => new(SchemaTexts.None, _reader.NodeOf([], SchemaFacts.Never));

    private IEnumerable<OtherProperties> Others(StringShape names)
    {
        // A name may match some of the patterns and not the others.
        for (var matched = 1; matched < 1 << _patterns.Count; matched++)
        {
            List<NamePattern> matching = [.. _patterns.Where((_, i) => (matched >> i & 1) != 0)];
            var shape = names with
            {
                Path = matching[0].Value.Path,
                Patterns = [.. names.Patterns, .. matching.Select(pattern => pattern.Pattern)],
                NotPatterns = [.. _patterns.Except(matching).Select(pattern => pattern.Pattern)],
                Notes = [.. names.Notes, .. matching.Select(pattern => $"pattern: {pattern.Pattern}")],
            };
            var rest = _others.Where((_, i) => !matching.Exists(pattern => pattern.Schema == i)).SelectMany(parts => parts);
            yield return new OtherProperties(shape, _reader.UseOf([.. matching.Select(pattern => pattern.Value), .. rest]));
        }

        SchemaPart[] others =
            [.. _others.SelectMany(parts => parts), .. _schemas.SelectMany(schema => Value(schema, "unevaluatedProperties"))];
        if (others.Length > 0 || (_patterns.Count == 0 && !_schemas.Any(schema => schema.Has("properties"))))
        {
            yield return new OtherProperties(
                names with { NotPatterns = [.. _patterns.Select(pattern => pattern.Pattern)] }, _reader.UseOf(others));
        }
    }

    private OrderedDictionary<string, SchemaPart> Declared(SchemaKeywords schema)
    {
        // Ordered: properties come in the order of the schema.
        var declared = new OrderedDictionary<string, SchemaPart>(StringComparer.Ordinal);
        if (schema.Object("properties") is { } properties)
        {
            var path = schema.Path.Add("properties");
            foreach (var property in properties.EnumerateObject())
            {
                var name = property.Name;
                _reader.Spend(SchemaBudget.WorkOf(name.Length));
                declared[name] = new SchemaPart(property.Value, path.Add(name));
            }
        }

        return declared;
    }

    private static SchemaPart[] Value(SchemaKeywords schema, string keyword) =>
        schema.TryGet(keyword, out var value) ? [new SchemaPart(value, schema.Path.Add(keyword))] : [];

    private IEnumerable<string> Required(SchemaKeywords schema)
    {
        // Draft 3 had a flag inside of each property.
        if (!schema.TryGet("required", out var flag) || flag.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            yield break;
        }

        foreach (var name in schema.Array("required")?.EnumerateArray() ?? [])
        {
            _reader.Spend(SchemaBudget.WorkOf(SchemaBudget.LengthOf(name)));
            if (name.ValueKind == JsonValueKind.String)
            {
                yield return name.GetString()!;
            }
            else
            {
                schema.ReportInvalid("required", "must hold names");
            }
        }
    }
}
