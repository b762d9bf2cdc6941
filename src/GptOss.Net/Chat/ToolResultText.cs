using System.Text.Json;
using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>
/// The result of a function as the model reads it: text as it is, contents by <see cref="ContentText"/>, all else as JSON.
/// </summary>
internal static class ToolResultText
{
    private const string Discriminator = "$type"; // of AIContent in JSON

    /// <exception cref="ArgumentException">It cannot be written as JSON.</exception>
    public static string Of(object? result) => result switch
    {
        null => "",
        string text => text,
        AIContent content => ContentText.Of([content]),
        IEnumerable<AIContent> contents => ContentText.Of(contents),
        _ => Of(WholeJson.FromValue(result)),
    };

    // A result that was stored with its conversation has become JSON; it reads as it did before.
    private static string Of(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null => "",
        JsonValueKind.String => json.GetString()!,
        JsonValueKind.Object when AsContent(json) is { } content => ContentText.Of([content]),
        JsonValueKind.Array when AsContents(json) is { } contents => ContentText.Of(contents),
        _ => JsonText.Compact(MediaInJson.Replace(json)),
    };

    private static AIContent?[]? AsContents(JsonElement array)
    {
        AIContent?[] contents = [.. array.EnumerateArray().Select(AsContent)];
        return contents.Length > 0 && !contents.Contains(null) ? contents : null;
    }

    private static AIContent? AsContent(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty(Discriminator, out _))
        {
            return null;
        }

        try
        {
            return (AIContent?)json.Deserialize(AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(AIContent)));
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException or ArgumentException)
        {
            return null; // something else that has a property of this name
        }
    }
}
