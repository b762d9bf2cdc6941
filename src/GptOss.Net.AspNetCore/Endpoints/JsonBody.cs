using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>Bodies of requests and answers.</summary>
internal static class JsonBody
{
    private static readonly JsonDocumentOptions DocumentOptions = new() { MaxDepth = RequestJson.MaxDepth };

    /// <summary>Reads the body, an object.</summary>
    public static async Task<T> ReadAsync<T>(ServedRequest request, JsonTypeInfo<T> type)
        where T : class
    {
        var http = request.Http;
        if (!http.Request.HasJsonContentType())
        {
            throw RequestError.Status4xx(
                StatusCodes.Status415UnsupportedMediaType, "The body must be JSON: send 'Content-Type: application/json'.");
        }

        using var document = await ParseAsync(http).ConfigureAwait(false);
        return Read(document.RootElement, type);
    }

    /// <summary>Reads an object; a value of the wrong type is refused with its path.</summary>
    public static T Read<T>(JsonElement root, JsonTypeInfo<T> type)
        where T : class =>
        root.ValueKind == JsonValueKind.Object
            ? root.Deserialize(type)!
            : throw RequestError.Invalid(null, "The body must be a JSON object.", code: null);

    /// <summary>Writes a whole answer.</summary>
    public static async Task WriteAsync<T>(HttpContext http, T body, JsonTypeInfo<T> type)
    {
        http.Response.ContentType = "application/json; charset=utf-8";
        var writer = new Utf8JsonWriter(http.Response.BodyWriter, ReplyJson.WriterOptions);
        await using (writer.ConfigureAwait(false))
        {
            JsonSerializer.Serialize(writer, body, type);
        }

        await http.Response.CompleteAsync().ConfigureAwait(false);
    }

    private static async Task<JsonDocument> ParseAsync(HttpContext http)
    {
        try
        {
            return await JsonDocument.ParseAsync(http.Request.Body, DocumentOptions, http.RequestAborted).ConfigureAwait(false);
        }
        catch (JsonException exception)
        {
            throw RequestError.Invalid(null, $"The body is not valid JSON: {exception.Message}", code: null);
        }
    }
}
