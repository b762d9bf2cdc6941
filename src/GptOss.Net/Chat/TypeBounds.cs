using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>
/// Adds to schemas of .NET types what these leave out: the range of numbers, the form of texts, and of the keys of dictionaries.
/// </summary>
internal static class TypeBounds
{
    private const string VersionPattern = @"^(?:0|[1-9]\d{0,8})(?:\.(?:0|[1-9]\d{0,8})){1,3}$";
    private const string TimeSpanPattern = @"^-?(?:\d{1,7}\.)?(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,7})?$";
    private const string UriPattern =
        @"^https?://[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?(?:\.[a-z]{2,10}){1,4}(?::[1-9]\d{0,3})?"
        + @"(?:/[A-Za-z0-9._~+-]*)*(?:\?[A-Za-z0-9._~=&+-]*)?$";

    private static readonly Dictionary<Type, (string Least, string Most)> Ranges = new()
    {
        [typeof(sbyte)] = Range(sbyte.MinValue, sbyte.MaxValue),
        [typeof(byte)] = Range(byte.MinValue, byte.MaxValue),
        [typeof(short)] = Range(short.MinValue, short.MaxValue),
        [typeof(ushort)] = Range(ushort.MinValue, ushort.MaxValue),
        [typeof(int)] = Range(int.MinValue, int.MaxValue),
        [typeof(uint)] = Range(uint.MinValue, uint.MaxValue),
        [typeof(long)] = Range(long.MinValue, long.MaxValue),
        [typeof(ulong)] = Range(ulong.MinValue, ulong.MaxValue),
        [typeof(UInt128)] = Range(UInt128.MinValue, ulong.MaxValue),
        [typeof(decimal)] = Range(decimal.MinValue, decimal.MaxValue),
        [typeof(Half)] = Range(-65504, 65504),
    };

    /// <summary>Adds the bounds of the type that a schema is of, where it has none.</summary>
    public static JsonNode Add(AIJsonSchemaCreateContext context, JsonNode node)
    {
        var type = Nullable.GetUnderlyingType(context.TypeInfo.Type) ?? context.TypeInfo.Type;
        if (node is not JsonObject schema)
        {
            return node;
        }

        if (Ranges.TryGetValue(type.IsEnum ? Enum.GetUnderlyingType(type) : type, out var range) && !IsText(schema))
        {
            Set(schema, "minimum", JsonNode.Parse(range.Least));
            Set(schema, "maximum", JsonNode.Parse(range.Most));
        }
        else if (type.IsEnum && IsText(schema))
        {
            Set(schema, "enum", Names(type));
        }
        else if (type == typeof(byte[]) || type == typeof(Memory<byte>) || type == typeof(ReadOnlyMemory<byte>))
        {
            Set(schema, "contentEncoding", "base64");
        }
        else if (Pattern(type) is { } pattern)
        {
            schema["pattern"] = pattern;
        }
        else if (KeyType(type) is { } key && KeySchema(key) is { } names)
        {
            Set(schema, "propertyNames", names);
        }

        return schema;
    }

    private static string? Pattern(Type type) =>
        type == typeof(Version) ? VersionPattern : type == typeof(TimeSpan) ? TimeSpanPattern : type == typeof(Uri) ? UriPattern : null;

    [UnconditionalSuppressMessage(
        "Trimming", "IL2070", Justification = "A dictionary whose interface was trimmed keeps its schema without bounds on its keys.")]
    private static Type? KeyType(Type type) => type.GetInterfaces().Append(type)
        .Where(candidate => candidate.IsGenericType)
        .FirstOrDefault(candidate => candidate.GetGenericTypeDefinition() is var definition
            && (definition == typeof(IDictionary<,>) || definition == typeof(IReadOnlyDictionary<,>)))?.GetGenericArguments()[0];

    private static JsonObject? KeySchema(Type key)
    {
        if (key.IsEnum)
        {
            return new() { ["enum"] = Names(key) };
        }

        if (key == typeof(bool))
        {
            return new() { ["enum"] = new JsonArray("True", "False") };
        }

        if (key == typeof(char))
        {
            return new() { ["minLength"] = 1, ["maxLength"] = 1, ["pattern"] = @"^[\u0020-\uD7FF]$" };
        }

        var format = key == typeof(Guid) ? "uuid"
            : key == typeof(DateOnly) ? "date"
            : key == typeof(DateTime) || key == typeof(DateTimeOffset) ? "date-time"
            : key == typeof(TimeOnly) ? "time"
            : null;
        var pattern = Pattern(key) ?? (Ranges.TryGetValue(key, out var range) ? Digits(range) : null);
        return format is not null ? new() { ["format"] = format } : pattern is not null ? new() { ["pattern"] = pattern } : null;
    }

    // All numbers with fewer digits than the greatest one.
    private static string Digits((string Least, string Most) range) =>
        $"^{(range.Least[0] == '-' ? "-?" : "")}(?:0|[1-9]\\d{{0,{Math.Max(0, range.Most.Length - 2)}}})$";

    private static JsonArray Names(Type type) => [.. Enum.GetNames(type).Select(name => (JsonNode)name)];

    private static bool IsText(JsonObject schema) => schema["type"] switch
    {
        JsonValue value => string.Equals((string?)value, "string", StringComparison.Ordinal),
        JsonArray types => types.Any(type => string.Equals((string?)type, "string", StringComparison.Ordinal)),
        _ => schema.ContainsKey("enum"),
    };

    private static void Set(JsonObject schema, string keyword, JsonNode? value)
    {
        if (!schema.ContainsKey(keyword))
        {
            schema[keyword] = value;
        }
    }

    private static (string Least, string Most) Range(IFormattable least, IFormattable most) =>
        (least.ToString(null, CultureInfo.InvariantCulture), most.ToString(null, CultureInfo.InvariantCulture));
}
