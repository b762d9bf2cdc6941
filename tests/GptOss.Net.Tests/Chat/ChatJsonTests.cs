using System.ComponentModel;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>Answers in JSON.</summary>
public sealed class ChatJsonTests
{
    private const string Header = "<|channel|>final <|constrain|>json<|message|>";

    [Description("A town")]
    private sealed record Town(string Name, int Inhabitants, Size Size, Town[]? Neighbours = null);

    private enum Size
    {
        Small,
        Large,
    }

    [Fact]
    public async Task A_type_is_answered_with_its_json()
    {
        using var chat = new ScriptedChat(Header + """{"name":"Bern","inhabitants":144000,"size":"Large"}<|return|>""");

        var response = await chat.Client.GetResponseAsync<Town>("A town?", cancellationToken: TestContext.Current.CancellationToken);

        response.Result.Should().Be(new Town("Bern", 144_000, Size.Large));
    }

    [Theory]
    [InlineData(17)]
    [InlineData(18)]
    public async Task Whatever_the_model_wants_the_answer_is_of_the_type(int seed)
    {
        using var chat = new NoisyChat();
        var options = new ChatOptions { Temperature = 1.5f, Seed = seed };

        var response =
            await chat.Client.GetResponseAsync<Town>("A town?", options, cancellationToken: TestContext.Current.CancellationToken);

        response.FinishReason.Should().Be(ChatFinishReason.Stop);
        response.TryGetResult(out var town).Should().BeTrue(response.Text);
        town.Should().NotBeNull();
    }

    [Fact]
    public async Task The_schema_is_told_to_the_model()
    {
        using var chat = new ScriptedChat(Header + """{"a":1}<|return|>""");
        var schema = JsonElement.Parse("""{ "type": "object", "properties": { "a": { "type": "integer" } } }""");

        var prompt = await chat.Prompt(
            [new(ChatRole.User, "Hi")],
            new() { Instructions = "Be kind.", ResponseFormat = ChatResponseFormat.ForJsonSchema(schema, "my list", "What to buy") });

        prompt.Should().Contain(
            "# Instructions\n\nBe kind.\n\n# Response Formats\n\n## my_list\n\n// What to buy\n"
            + """{"type":"object","properties":{"a":{"type":"integer"}}}<|end|>""");
    }

    [Fact]
    public async Task Json_without_a_schema_is_an_object()
    {
        using var chat = new ScriptedChat(Header + """{"a":[1,2]}<|return|>""");

        (await chat.Ask(options: new() { ResponseFormat = ChatResponseFormat.Json })).Text.Should().Be("""{"a":[1,2]}""");
    }

    [Fact]
    public async Task There_are_thoughts_but_no_preambles_before_json()
    {
        using var chat = new NoisyChat();
        for (var seed = 0; seed < 10; seed++)
        {
            var response = await chat.Client.GetResponseAsync(
                "Hi", new() { ResponseFormat = ChatResponseFormat.Json, Seed = seed }, TestContext.Current.CancellationToken);

            response.Messages.Should().ContainSingle();
            JsonDocument.Parse(response.Text).Dispose();
        }
    }

    [Fact]
    public void A_schema_without_values_is_refused()
    {
        using var chat = new ScriptedChat(Header);
        var options = new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("false")) };

        chat.Client.Invoking(client => client.GetStreamingResponseAsync("Hi", options)).Should().Throw<ArgumentException>();
    }

    [Fact]
    public async Task Functions_and_json_go_together()
    {
        const string Call = "<|channel|>commentary to=functions.size <|constrain|>json<|message|>{}<|call|>";
        using var chat = new ScriptedChat(prompt => prompt.Contains("<|message|>42<|end|>", StringComparison.Ordinal)
            ? Header + """{"name":"Bern","inhabitants":42,"size":"Small","neighbours":null}<|return|>"""
            : Call);
        using var client = new ChatClientBuilder(chat.Client).UseFunctionInvocation().Build();
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create(() => 42, "size")] };

        var response = await client.GetResponseAsync<Town>("A town?", options, cancellationToken: TestContext.Current.CancellationToken);

        response.Result.Inhabitants.Should().Be(42);
    }
}
