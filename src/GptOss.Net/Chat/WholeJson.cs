using System.Text.Json;
using System.Text.Json.Serialization;
using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>
/// JSON whose texts are whole: an escape of half a surrogate pair, which JSON allows and .NET refuses to read, becomes U+FFFD, as in any
/// other text.
/// </summary>
internal static class WholeJson
{
    private static readonly JsonSerializerOptions Options = new(AIJsonUtilities.DefaultOptions) { Converters = { new ElementConverter() } };

    /// <summary>The same value with whole texts.</summary>
    public static JsonElement Of(JsonElement json) => json.ValueKind is JsonValueKind.Undefined ? json : JsonText.WithWholeCharacters(json);

    /// <summary>Reads JSON text.</summary>
    /// <exception cref="JsonException">It is malformed.</exception>
    public static JsonElement Parse(string json) => Of(JsonElement.Parse(json));

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
            throw new ArgumentException(
                $"A {value?.GetType().Name} cannot be written as JSON: {exception.Message}", nameof(value), exception);
        }
    }

    private sealed class ElementConverter : JsonConverter<JsonElement>
    {
        public override JsonElement Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            JsonElement.ParseValue(ref reader);

        public override void Write(Utf8JsonWriter writer, JsonElement value, JsonSerializerOptions options) => Of(value).WriteTo(writer);
    }
}
