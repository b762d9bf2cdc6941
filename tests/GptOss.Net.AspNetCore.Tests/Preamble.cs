using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>What the model says before a call or its answer: a message of its own.</summary>
internal static class Preamble
{
    private const string Mark = "preamble";

    public static TextContent Of(string text) => new(text) { AdditionalProperties = new() { [Mark] = true } };

    public static bool Is(AIContent? content) => content?.AdditionalProperties?.ContainsKey(Mark) is true;
}
