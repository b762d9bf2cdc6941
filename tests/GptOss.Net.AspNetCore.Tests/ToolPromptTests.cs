using System.Text.Json;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>The prompts with tools over a scripted model, whose arguments are drawn at random from their schema.</summary>
public sealed class ToolPromptTests
{
    [Fact]
    public async Task Thirty_prompts_with_tools_are_called_rightly_over_both_APIs_whole_and_streamed()
    {
        var client = new ScriptedChatClient(request => Call(request).ToAsyncEnumerable());
        await using var server = await TestServer.StartAsync(client);

        var problems = await ToolPrompts.ProblemsAsync("scripted", async (path, body) => (await server.PostAsync(path, body)).Text);

        problems.Should().BeEmpty();
        client.Requests.Should().HaveCount(120);
    }

    private static AIContent[] Call(ScriptedRequest request)
    {
        var tool = (AIFunctionDeclaration)request.Options.Tools!.Single();
        var random = new Random((int)request.Options.Seed!.Value);
        var arguments = tool.JsonSchema.GetProperty("properties").EnumerateObject()
            .ToDictionary(property => property.Name, property => Value(property.Value, random), StringComparer.Ordinal);
        return
        [
            new TextReasoningContent("They ask"), new TextReasoningContent(" for it."),
            new FunctionCallContent("call_1", tool.Name, arguments),
        ];
    }

    private static object? Value(JsonElement schema, Random random) =>
        schema.TryGetProperty("enum", out var choices) ? choices[random.Next(choices.GetArrayLength())].GetString()
        : schema.GetProperty("type").GetString() is "boolean" ? random.Next(2) == 0
        : random.Next(schema.GetProperty("minimum").GetInt32(), schema.GetProperty("maximum").GetInt32() + 1);
}
