using System.Text.Json;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>The arguments of calls, in both directions. What a client sends back is replayed as it is, also when it is no JSON.</summary>
internal static class ToolCallArguments
{
    /// <summary>A call of the history.</summary>
    public static FunctionCallContent ToContent(string callId, string name, string arguments) =>
        new(callId, name, Parse(arguments)) { RawRepresentation = arguments };

    /// <summary>The arguments as JSON text: an empty object where there are none, never an empty text.</summary>
    public static string ToJson(FunctionCallContent call)
    {
        if (call.RawRepresentation is string { Length: > 0 } text)
        {
            return text;
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Contracts.ReplyJson.WriterOptions))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in call.Arguments ?? new Dictionary<string, object?>(StringComparer.Ordinal))
            {
                writer.WritePropertyName(name);
                JsonSerializer.Serialize(writer, value, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(object)));
            }

            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static Dictionary<string, object?>? Parse(string arguments)
    {
        try
        {
            using var document = JsonDocument.Parse(arguments);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            var result = new Dictionary<string, object?>(StringComparer.Ordinal);
            foreach (var property in document.RootElement.EnumerateObject())
            {
                result[property.Name] = property.Value.Clone();
            }

            return result;
        }
        catch (JsonException)
        {
            return null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
