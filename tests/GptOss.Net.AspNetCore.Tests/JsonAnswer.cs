using System.Net;
using System.Text.Json;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>What the server answered.</summary>
internal sealed record JsonAnswer(HttpStatusCode Status, string Text, IReadOnlyDictionary<string, string> Headers)
{
    public static async Task<JsonAnswer> ReadAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        var headers = response.Headers.Concat(response.Content.Headers)
            .ToDictionary(header => header.Key, header => string.Join(",", header.Value), StringComparer.OrdinalIgnoreCase);
        return new JsonAnswer(response.StatusCode, text, headers);
    }

    public JsonElement Json => JsonElement.Parse(Text);

    public JsonElement Error => Json.GetProperty("error");
}
