using System.Net;
using System.Text.Json;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>What the server answered.</summary>
internal sealed record JsonAnswer(HttpStatusCode Status, string Text, IReadOnlyDictionary<string, string> Headers)
{
    public JsonElement Json => JsonElement.Parse(Text);

    public JsonElement Error => Json.GetProperty("error");
}
