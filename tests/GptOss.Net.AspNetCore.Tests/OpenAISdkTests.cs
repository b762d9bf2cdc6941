using System.ClientModel;
using System.ClientModel.Primitives;
using System.ComponentModel;
using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Responses;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>The official OpenAI library for .NET, and Microsoft.Extensions.AI's adapter over it.</summary>
public sealed class OpenAISdkTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Chat_whole_and_streamed()
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("Hello, wörld", "They greet"));
        var chat = Client(server).GetChatClient("scripted");
        ChatCompletion answer = await chat.CompleteChatAsync([new UserChatMessage("Hi")], cancellationToken: Cancellation);
        answer.Content[0].Text.Should().Be("Hello, wörld");
        answer.FinishReason.Should().Be(OpenAI.Chat.ChatFinishReason.Stop);
        answer.Usage.OutputTokenDetails.ReasoningTokenCount.Should().Be(2);

        var text = "";
        OpenAI.Chat.ChatFinishReason? reason = null;
        await foreach (var update in chat.CompleteChatStreamingAsync([new UserChatMessage("Hi")], cancellationToken: Cancellation))
        {
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            reason = update.FinishReason ?? reason;
        }

        text.Should().Be("Hello, wörld");
        reason.Should().Be(OpenAI.Chat.ChatFinishReason.Stop);
    }

    [Fact]
    public async Task Models_are_listed()
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("x"));
        var models = Client(server).GetOpenAIModelClient();
        (await models.GetModelsAsync(Cancellation)).Value.Should().ContainSingle().Which.Id.Should().Be("scripted");
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task An_agent_calls_functions_over_several_turns(bool stream, bool responses)
    {
        var client = new ScriptedChatClient(Agent);
        await using var server = await TestServer.StartAsync(client);
        using var agent = new ChatClientBuilder(Adapter(server, responses)).UseFunctionInvocation().Build();
        var cities = new List<string>();
        var options = new ChatOptions
        {
            Tools =
            [
                AIFunctionFactory.Create(([Description("a city")] string city) => Weather(city), "get_weather"),
                AIFunctionFactory.Create(() => "noon", "get_time"),
            ],
        };
        var text = stream
            ? (await agent.GetStreamingResponseAsync("Weather and time?", options, Cancellation).ToChatResponseAsync(Cancellation)).Text
            : (await agent.GetResponseAsync("Weather and time?", options, Cancellation)).Text;

        cities.Should().Equal("Paris");
        text.Should().EndWith("18 in Paris at noon");
        client.Requests.Should().HaveCount(3);

        string Weather(string city)
        {
            cities.Add(city);
            return $"18 in {city}";
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Structured_output_is_typed(bool responses)
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("""{"city":"Paris","country":"France"}"""));
        using var client = Adapter(server, responses);
        var answer = await client.GetResponseAsync<Capital>("Capital of France?", cancellationToken: Cancellation);
        answer.Result.Should().Be(new Capital("Paris", "France"));
    }

    // What a client in this process gets is what a client over HTTP gets.
    [Fact]
    public async Task A_hundred_conversations_are_the_same_over_HTTP_and_in_process()
    {
        var random = new Random(19);
        AIContent[] answer = [];
        var script = new ScriptedChatClient(_ => answer.ToAsyncEnumerable());
        await using var server = await TestServer.StartAsync(script);
        using var http = Adapter(server, responses: false);
        for (var i = 0; i < 100; i++)
        {
            answer = RandomAnswer(random);
            script.FinishReason = random.Next(4) == 0 && !answer.Any(content => content is FunctionCallContent)
                ? Microsoft.Extensions.AI.ChatFinishReason.Length
                : null;
            ChatMessage[] messages = [new(ChatRole.System, "Be brief"), new(ChatRole.User, $"Question {i}")];
            var expected = Describe(await script.GetResponseAsync(messages, cancellationToken: Cancellation));
            Describe(await http.GetResponseAsync(messages, cancellationToken: Cancellation)).Should().Be(expected);
            Describe(await http.GetStreamingResponseAsync(messages, cancellationToken: Cancellation).ToChatResponseAsync(Cancellation))
                .Should().Be(expected);
        }
    }

    [Fact]
    public async Task Responses_whole_streamed_and_continued()
    {
        var script = ScriptedChatClient.Saying("Hello you", "They greet");
        await using var server = await TestServer.StartAsync(script);
        var client = Responses(server);
        var whole = (await client.CreateResponseAsync("scripted", "Hi", cancellationToken: Cancellation)).Value;
        whole.GetOutputText().Should().Be("Hello you");
        whole.Status.Should().Be(ResponseStatus.Completed);
        var next = (await client.CreateResponseAsync("scripted", "And?", whole.Id, Cancellation)).Value;
        next.PreviousResponseId.Should().Be(whole.Id);
        script.Requests.Last().Messages.Select(message => message.Text).Should().Equal("Hi", "", "Hello you", "And?");

        var text = "";
        var completed = false;
        await foreach (var update in client.CreateResponseStreamingAsync("scripted", "Hi", cancellationToken: Cancellation))
        {
            text += update is StreamingResponseOutputTextDeltaUpdate delta ? delta.Delta : "";
            completed |= update is StreamingResponseCompletedUpdate;
        }

        text.Should().Be("Hello you");
        completed.Should().BeTrue();
        (await client.DeleteResponseAsync(whole.Id, Cancellation)).Value.Deleted.Should().BeTrue();
    }

    [Fact]
    public async Task An_error_is_an_exception_with_its_message()
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("x"));
        var chat = Client(server).GetChatClient("other");
        var error = (await ((Func<Task>)(() => chat.CompleteChatAsync([new UserChatMessage("Hi")]))).Should()
            .ThrowAsync<ClientResultException>()).Which;
        error.Status.Should().Be(404);
        error.Message.Should().Contain("model_not_found").And.Contain("'other' does not exist");
    }

    private static IAsyncEnumerable<AIContent> Agent(ScriptedRequest request)
    {
        var results = request.Messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().ToList();
        AIContent[] contents = results.Count switch
        {
            0 => [new TextReasoningContent("first the weather"), new FunctionCallContent(
                "call_1", "get_weather", new Dictionary<string, object?> { ["city"] = "Paris" })],
            1 => [new FunctionCallContent("call_2", "get_time", null)],
            _ => [new TextContent($"{Text(results[0])} at {Text(results[1])}")],
        };
        return contents.ToAsyncEnumerable();

        static string? Text(FunctionResultContent result) => result.Result?.ToString()?.Trim('"');
    }

    private static AIContent[] RandomAnswer(Random random)
    {
        var contents = new List<AIContent>();
        for (var i = random.Next(4); i > 0; i--)
        {
            contents.Add(new TextReasoningContent($" thought {random.Next(100)} 思"));
        }

        for (var i = random.Next(6); i > 0; i--)
        {
            contents.Add(new TextContent($" word {random.Next(100)} \"ü\"\n"));
        }

        if (random.Next(3) == 0)
        {
            contents.Add(
                new FunctionCallContent(
                    "call_" + random.Next(100), "f", new Dictionary<string, object?> { ["a"] = random.Next(100), ["b"] = "x\"y" }));
        }

        return [.. contents];
    }

    private static string Describe(ChatResponse response)
    {
        var contents = response.Messages.SelectMany(message => message.Contents).ToList();
        var calls = contents.OfType<FunctionCallContent>()
            .Select(call => $"{call.CallId} {call.Name} {JsonSerializer.Serialize(call.Arguments)}");
        return string.Join('|',
            string.Concat(contents.OfType<TextReasoningContent>().Select(reasoning => reasoning.Text)),
            response.Text,
            string.Join(',', calls),
            response.FinishReason,
            response.Usage?.InputTokenCount,
            response.Usage?.OutputTokenCount,
            response.Usage?.ReasoningTokenCount,
            response.Usage?.CachedInputTokenCount);
    }

    private static IChatClient Adapter(TestServer server, bool responses) =>
        responses ? Responses(server).AsIChatClient("scripted") : Client(server).GetChatClient("scripted").AsIChatClient();

    private static OpenAIClient Client(TestServer server) => new(
        new ApiKeyCredential("none"),
        new OpenAIClientOptions { Endpoint = new Uri(server.Url, "/v1"), RetryPolicy = new ClientRetryPolicy(0) });

    private static ResponsesClient Responses(TestServer server) => new(
        new ApiKeyCredential("none"),
        new ResponsesClientOptions { Endpoint = new Uri(server.Url, "/v1"), RetryPolicy = new ClientRetryPolicy(0) });

    private sealed record Capital(string City, string Country);
}
