using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>
/// Pictures and sounds within a JSON result, in base64: a model would read thousands of characters that tell it nothing. They are replaced
/// by the remark that stands for them elsewhere. Found are data URIs, and data beside its media type, as the Model Context Protocol has it.
/// </summary>
internal static class MediaInJson
{
    private const string UriStart = "data:";
    private const string MediaType = "mimeType";

    private static readonly string[] DataNames = ["data", "blob"];

    /// <summary>The same value, but for media.</summary>
    public static JsonElement Replace(JsonElement json)
    {
        var text = json.GetRawText();
        if (!text.Contains(MediaType, StringComparison.Ordinal) && !text.Contains(UriStart, StringComparison.Ordinal))
        {
            return json;
        }

        try
        {
            // The reader takes 64 levels, so the recursion is bounded.
            var root = new JsonArray(JsonNode.Parse(text));
            return Replace(root) ? JsonElement.Parse(root[0]!.ToJsonString()) : json;
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            return json; // deeper, or with a name that comes twice
        }
    }

    private static bool Replace(JsonNode? node) => node switch
    {
        JsonObject fields => fields.ToArray().Aggregate(
            false, (found, field) => Replace(field.Value, MediaTypeOf(fields, field.Key), remark => fields[field.Key] = remark) || found),
        JsonArray items => Enumerable.Range(0, items.Count).Aggregate(
            false, (found, i) => Replace(items[i], null, remark => items[i] = remark) || found),
        _ => false,
    };

    private static bool Replace(JsonNode? node, string? mediaType, Action<string> replace)
    {
        if (node is not JsonValue value || !value.TryGetValue<string>(out var text))
        {
            return Replace(node);
        }

        if (Media(text, mediaType) is not { } media)
        {
            return false;
        }

        replace(ContentText.Of([media]));
        return true;
    }

    private static string? MediaTypeOf(JsonObject fields, string name) =>
        DataNames.Contains(name, StringComparer.Ordinal) && fields[MediaType] is JsonValue type
            && type.TryGetValue<string>(out var text) ? text : null;

    /// <summary>What a text stands for if it is media that is no text.</summary>
    private static DataContent? Media(string text, string? mediaType)
    {
        try
        {
            var data = text.StartsWith(UriStart, StringComparison.Ordinal) ? new DataContent(text)
                : mediaType is not null ? new DataContent(Convert.FromBase64String(text), mediaType)
                : null;
            return data is not null && !ContentText.IsText(data.MediaType) ? data : null;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            return null; // only looks like it
        }
    }
}
