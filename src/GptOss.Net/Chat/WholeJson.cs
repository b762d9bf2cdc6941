using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>
/// JSON whose texts are whole: an escape of half a surrogate pair, which JSON allows and .NET refuses to read, becomes U+FFFD, as in any
/// other text.
/// </summary>
internal static class WholeJson
{
    private const int EscapeLength = 6; // \uXXXX
    private const string Replacement = "\\ufffd";

    private static readonly JsonSerializerOptions Options = new(AIJsonUtilities.DefaultOptions) { Converters = { new ElementConverter() } };

    /// <summary>The same value with whole texts.</summary>
    public static JsonElement Of(JsonElement json) =>
        json.ValueKind is JsonValueKind.Undefined || json.GetRawText() is var text && Find(text, 0) < 0 ? json : JsonElement.Parse(Mend(text));

    /// <summary>Reads JSON text.</summary>
    /// <exception cref="JsonException">It is malformed.</exception>
    public static JsonElement Parse(string json) => JsonElement.Parse(Mend(json));

    /// <summary>Any value as JSON.</summary>
    /// <exception cref="ArgumentException">It cannot be written as JSON.</exception>
    public static JsonElement FromValue<T>(T value)
    {
        try
        {
            return value is JsonElement json ? Of(json) : JsonSerializer.SerializeToElement(value, Options.GetTypeInfo(typeof(T)));
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException or InvalidOperationException)
        {
            throw new ArgumentException($"A {value?.GetType().Name} cannot be written as JSON: {exception.Message}", nameof(value), exception);
        }
    }

    private static string Mend(string json)
    {
        if (Find(json, 0) is var half && half < 0)
        {
            return json;
        }

        var (text, end) = (new StringBuilder(json.Length), 0);
        for (; half >= 0; half = Find(json, end))
        {
            text.Append(json, end, half - end).Append(Replacement);
            end = half + EscapeLength;
        }

        return text.Append(json, end, json.Length - end).ToString();
    }

    /// <summary>Where the next escape of half a pair begins, or -1.</summary>
    private static int Find(string json, int start)
    {
        for (var i = json.IndexOf('\\', start); i >= 0; i = i < json.Length ? json.IndexOf('\\', i) : -1)
        {
            if (Unit(json, i) is not { } unit || !char.IsSurrogate(unit))
            {
                i += 2;
            }
            else if (char.IsHighSurrogate(unit) && Unit(json, i + EscapeLength) is { } next && char.IsLowSurrogate(next))
            {
                i += 2 * EscapeLength;
            }
            else
            {
                return i;
            }
        }

        return -1;
    }

    private static char? Unit(string json, int escape) =>
        escape + EscapeLength <= json.Length && json[escape] == '\\' && json[escape + 1] == 'u'
        && ushort.TryParse(json.AsSpan(escape + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit)
            ? (char)unit
            : null;

    private sealed class ElementConverter : JsonConverter<JsonElement>
    {
        public override JsonElement Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            JsonElement.ParseValue(ref reader);

        public override void Write(Utf8JsonWriter writer, JsonElement value, JsonSerializerOptions options) => Of(value).WriteTo(writer);
    }
}
