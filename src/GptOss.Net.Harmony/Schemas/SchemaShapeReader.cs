using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>Reads the shapes of values that satisfy some schemas, of which all choices are made.</summary>
internal static class SchemaShapeReader
{
    private const string NotEnforced = "is not enforced";

    // What narrows values and is not enforced.
    private static readonly (JsonTypes Types, string Keyword, SchemaOmissionKind Kind)[] Ignored =
    [
        (JsonTypes.All, "if", SchemaOmissionKind.Unsupported),
        (JsonTypes.Array, "contains", SchemaOmissionKind.Unsupported),
        (JsonTypes.Array, "unevaluatedItems", SchemaOmissionKind.Unsupported),
        (JsonTypes.Array, "uniqueItems", SchemaOmissionKind.Documented),
        (JsonTypes.Object, "minProperties", SchemaOmissionKind.Documented),
        (JsonTypes.Object, "maxProperties", SchemaOmissionKind.Documented),
    ];

    public static IEnumerable<SchemaShape> Read(
        IReadOnlyList<SchemaKeywords> schemas, SchemaFacts facts, SchemaReader reader, SchemaBudget budget)
    {
        var named = schemas.Aggregate(JsonTypes.All, (types, schema) => types & (schema.Types() ?? JsonTypes.All));
        if (FixedValues.Find(schemas, named & facts.Types, facts, budget) is { } values)
        {
            if (values.Count > 0)
            {
                yield return new FixedShape(values);
            }

            yield break;
        }

        var types =
            (schemas.Any(schema => schema.Has("type") && schema.Types() is not null) ? named : ImpliedTypes.Of(schemas)) & facts.Types;
        ReportIgnored(schemas, types);
        if (types.HasFlag(JsonTypes.Boolean) && BooleanShapeReader.Read(facts) is { } boolean)
        {
            yield return boolean;
        }

        if ((types & JsonTypes.Number) != JsonTypes.None)
        {
            yield return NumberShapeReader.Read(schemas, facts, isInteger: !types.HasFlag(JsonTypes.Fraction));
        }

        if (types.HasFlag(JsonTypes.String))
        {
            yield return StringShapeReader.Read(schemas, facts);
        }

        if (types.HasFlag(JsonTypes.Array))
        {
            yield return ArrayShapeReader.Read(schemas, reader);
        }

        if (types.HasFlag(JsonTypes.Object))
        {
            yield return ObjectShapeReader.Read(schemas, facts, reader);
        }

        if (types.HasFlag(JsonTypes.Null) && !facts.Excluded.Any(value => value.ValueKind == JsonValueKind.Null))
        {
            yield return new NullShape();
        }
    }

    /// <summary>The bounds that schemas give, in their words.</summary>
    public static IReadOnlyList<string> Notes(IReadOnlyList<SchemaKeywords> schemas, params ReadOnlySpan<string> keywords)
    {
        List<string>? notes = null;
        foreach (var keyword in keywords)
        {
            foreach (var schema in schemas)
            {
                if (schema.TryGet(keyword, out var value) && Note(keyword, value) is { } note
                    && notes?.Contains(note, StringComparer.Ordinal) != true)
                {
                    (notes ??= []).Add(note);
                }
            }
        }

        return notes ?? (IReadOnlyList<string>)[];
    }

    private static string? Note(string keyword, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number or JsonValueKind.True => $"{keyword}: {value.GetRawText()}",
        JsonValueKind.String when value.GetString() is { Length: <= 300 } text => $"{keyword}: {text}",
        _ => null,
    };

    private static void ReportIgnored(IReadOnlyList<SchemaKeywords> schemas, JsonTypes types)
    {
        foreach (var schema in schemas)
        {
            foreach (var (ofTypes, keyword, kind) in Ignored)
            {
                if ((ofTypes & types) != JsonTypes.None && schema.TryGet(keyword, out var value) && Narrows(schema, keyword, value))
                {
                    schema.Report(keyword, NotEnforced, kind);
                }
            }
        }
    }

    private static bool Narrows(SchemaKeywords schema, string keyword, JsonElement value) => keyword switch
    {
        "if" => schema.Has("then") || schema.Has("else"),
        "minProperties" => schema.CountOf(keyword) > 0,
        "uniqueItems" => value.ValueKind == JsonValueKind.True,
        "unevaluatedItems" => value.ValueKind != JsonValueKind.True,
        "contains" => schema.CountOf("minContains") is not 0,
        _ => true,
    };
}
