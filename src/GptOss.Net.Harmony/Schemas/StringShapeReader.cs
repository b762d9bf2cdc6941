using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>Reads what schemas say about strings.</summary>
internal static class StringShapeReader
{
    private const string Base64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$";

    public static StringShape Read(IReadOnlyList<SchemaKeywords> schemas, SchemaFacts facts)
    {
        var minLength = schemas.Max(schema => schema.CountOf("minLength")) ?? 0;
        var maxLength = schemas.Min(schema => schema.CountOf("maxLength"));
        var path = schemas.Count > 0 ? schemas[0].Path : SchemaPath.Root;
        if (minLength > maxLength)
        {
            schemas[0].ReportInvalid("minLength", $"is {minLength}, above 'maxLength' {maxLength}");
            (minLength, maxLength) = (0, null);
        }

        if (minLength > SchemaLimits.MaxMinimum)
        {
            schemas[0].Report("minLength", $"is {minLength} and may be {SchemaLimits.MaxMinimum}");
            minLength = 0;
        }

        var excluded = facts.Excluded.Where(value => value.ValueKind == JsonValueKind.String).Select(value => value.GetString()!);
        var shape = new StringShape
        {
            Path = path,
            MinLength = minLength,
            MaxLength = maxLength,
            Patterns = [.. schemas.Select(schema => schema.String("pattern")).Concat(schemas.Select(Encoded)).OfType<string>()
                .Distinct(StringComparer.Ordinal)],
            Excluded = [.. excluded.Distinct(StringComparer.Ordinal)],
            Format = schemas.Select(schema => schema.String("format")).FirstOrDefault(format => format is not null),
        };
        var notes = SchemaShapeReader.Notes(schemas, "format", "contentEncoding", "pattern", "minLength", "maxLength");
        return shape with
        {
            Notes = shape.Excluded.Count == 0 ? notes : [.. notes, "not: " + string.Join(", ", shape.Excluded.Select(JsonText.Quote))],
        };
    }

    private static string? Encoded(SchemaKeywords schema) =>
        string.Equals(schema.String("contentEncoding"), "base64", StringComparison.Ordinal) ? Base64 : null;
}
