using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>Cases 9 to 17 of the specification's suite: compaction, and responses over a WebSocket.</summary>
public sealed class ResponseSocketTests
{
    private const string NotFound = "previous_response_not_found";

    // A server that says nothing fails a test instead of holding it.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Case_9_and_17_a_compaction_is_valid_and_goes_on_elsewhere()
    {
        var client = ScriptedChatClient.Saying("Hello");
        await using var server = await StartAsync(client);
        var compact = await server.PostAsync("/v1/responses/compact", """
            {"model":"scripted","prompt_cache_key":"k",
            "input":[{"role":"user","content":"My name is Alice."},{"role":"assistant","content":"Hello Alice."}]}
            """);
        compact.Status.Should().Be(HttpStatusCode.OK, compact.Text);
        OpenResponsesSchema.ShouldBe(compact.Json, "CompactResource");
        var output = compact.Json.GetProperty("output").EnumerateArray().Select(item => item.GetRawText()).ToList();
        output.Should().Contain(item => item.Contains("\"compaction\"", StringComparison.Ordinal));

        using var socket = await ConnectAsync(server);
        var end = await TurnAsync(
            socket,
            $$"""{"type":"response.create","model":"scripted","tools":[]"""
            + $$""","input":[{{string.Join(',', output)}},{"role":"user","content":"Who am I?"}]}""");
        ShouldBeCompleted(end);
        client.Requests.Last().Messages.Select(message => message.Text).Should().Equal("My name is Alice.", "Hello Alice.", "Who am I?");
    }

    [Fact]
    public async Task A_long_conversation_is_summed_up()
    {
        var client = ScriptedChatClient.Saying("They are Alice.");
        await using var server = await StartAsync(client);
        var text = new string('x', 9_000);
        var compact = (await server.PostAsync("/v1/responses/compact", $$"""{"model":"scripted","input":"{{text}}"}""")).Json;
        OpenResponsesSchema.ShouldBe(compact, "CompactResource");
        compact.GetProperty("usage").GetProperty("output_tokens").GetInt32().Should().Be(3);
        var output = string.Join(',', compact.GetProperty("output").EnumerateArray().Select(item => item.GetRawText()));
        (await server.PostAsync("/v1/responses", $$"""{"input":[{{output}},{"role":"user","content":"go on"}]}""")).Status.Should()
            .Be(HttpStatusCode.OK);
        client.Requests.Last().Messages.Select(message => message.Text)
            .Should().Equal(text, "The conversation before this, summed up:\n\nThey are Alice.", "go on");
    }

    [Fact]
    public async Task Case_10_a_compaction_needs_a_model()
    {
        await using var server = await StartAsync(ScriptedChatClient.Saying("x"));
        (await server.PostAsync("/v1/responses/compact", """{"input":"Hi"}""")).Status.Should().Be(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Cases_11_to_13_turns_follow_each_other_and_go_on_without_a_store()
    {
        var client = ScriptedChatClient.Saying("Hello");
        await using var server = await StartAsync(client);
        using var socket = await ConnectAsync(server);
        var first = await TurnAsync(socket, """{"type":"response.create","model":"scripted","store":false,"input":"One"}""");
        ShouldBeCompleted(first);
        ShouldBeCompleted(await TurnAsync(socket, """{"type":"response.create","model":"scripted","store":false,"input":"Two"}"""));
        ShouldBeCompleted(await TurnAsync(
            socket,
            $$"""{"type":"response.create","model":"scripted","store":false,"previous_response_id":"{{IdOf(first)}}","input":"Three"}"""));
        client.Requests.Last().Messages.Select(message => message.Text).Should().Equal("One", "Hello", "Three");
    }

    [Fact]
    public async Task Cases_14_and_15_an_id_of_another_connection_or_of_nowhere_is_not_found()
    {
        await using var server = await StartAsync(ScriptedChatClient.Saying("Hello"));
        string id;
        using (var first = await ConnectAsync(server))
        {
            id = IdOf(await TurnAsync(first, """{"type":"response.create","model":"scripted","store":false,"input":"One"}"""));
        }

        using var second = await ConnectAsync(server);
        foreach (var named in (string[])[id, "resp_invented"])
        {
            var error = await TurnAsync(
                second, $$"""{"type":"response.create","model":"scripted","store":false,"previous_response_id":"{{named}}","input":"x"}""");
            OpenResponsesSchema.ShouldBe(error, "WebSocketErrorEvent");
            error.GetProperty("error").GetProperty("code").GetString().Should().Be(NotFound);
        }

        ShouldBeCompleted(await TurnAsync(second, """{"type":"response.create","model":"scripted","store":false,"input":"fresh"}"""));
    }

    [Theory]
    [InlineData("")]
    [InlineData(""" "store":false,""")]
    public async Task Case_16_a_continuation_that_fails_takes_its_id_away(string store)
    {
        await using var server = await StartAsync(ScriptedChatClient.Saying("Hello"));
        using var socket = await ConnectAsync(server);
        var id = IdOf(await TurnAsync(socket, $$"""{"type":"response.create",{{store}}"model":"scripted","input":"One"}"""));
        var failed = await TurnAsync(
            socket,
            $$"""{"type":"response.create",{{store}}"previous_response_id":"{{id}}","input":["""
            + $$"""{"type":"function_call_output","call_id":"call_none","output":"x"}]}""");
        failed.GetProperty("type").GetString().Should().Be("error");
        var next = await TurnAsync(socket, $$"""{"type":"response.create",{{store}}"previous_response_id":"{{id}}","input":"x"}""");
        next.GetProperty("error").GetProperty("code").GetString().Should().Be(NotFound);
    }

    [Fact]
    public async Task A_client_that_closes_ends_its_response()
    {
        var client = new ScriptedChatClient(request => ForeverAsync(request.CancellationToken));
        await using var server = await StartAsync(client);
        var socket = await ConnectAsync(server);
        await SendAsync(socket, """{"type":"response.create","input":"x"}""");
        await OperationsTests.Eventually(() => client.Running == 1);
        socket.Abort();
        socket.Dispose();
        await OperationsTests.Eventually(() => client.Running == 0);
    }

    [Fact]
    public async Task A_client_that_closes_leaves_no_task_that_failed()
    {
        var failures = new System.Collections.Concurrent.ConcurrentQueue<string>();
        void Note(object? sender, UnobservedTaskExceptionEventArgs failed) => failures.Enqueue(failed.Exception.ToString());
        TaskScheduler.UnobservedTaskException += Note;
        try
        {
            var client = new ScriptedChatClient(request => request.Messages[^1].Text == "forever"
                ? ForeverAsync(request.CancellationToken)
                : new[] { new TextContent("x") }.ToAsyncEnumerable());
            await using var server = await StartAsync(client);
            foreach (var last in (string[])["short", "forever"])
            {
                using var socket = await ConnectAsync(server);
                ShouldBeCompleted(await TurnAsync(socket, """{"type":"response.create","input":"first"}"""));
                await SendAsync(socket, $$"""{"type":"response.create","input":"{{last}}"}""");
                await OperationsTests.Eventually(() => client.Requests.Any(request => request.Messages[^1].Text == last));
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Cancellation).WaitAsync(Patience, Cancellation);
                socket.State.Should().Be(WebSocketState.Closed);
                await OperationsTests.Eventually(() => client.Running == 0);
            }
        }
        finally
        {
            for (var i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                await Task.Delay(20, Cancellation);
            }

            TaskScheduler.UnobservedTaskException -= Note;
        }

        failures.Should().NotContain(failure => failure.Contains("ResponsesSocket", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_connection_lasts_an_hour()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using var server = await TestServer.StartAsync(
            ScriptedChatClient.Saying("Hello"), services: services => services.AddSingleton<TimeProvider>(time));
        using var socket = await ConnectAsync(server);

        // The server's clock runs when it has accepted the connection, which may be after the client knows of it: not before an answer.
        ShouldBeCompleted(await TurnAsync(socket, """{"type":"response.create","input":"x"}"""));
        time.Advance(TimeSpan.FromMinutes(59));
        ShouldBeCompleted(await TurnAsync(socket, """{"type":"response.create","input":"x","reasoning":null}"""));
        time.Advance(TimeSpan.FromMinutes(1));
        var error = await ReceiveAsync(socket);
        OpenResponsesSchema.ShouldBe(error, "WebSocketErrorEvent");
        error.GetProperty("error").GetProperty("code").GetString().Should().Be("websocket_connection_limit_reached");
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"type":"x"}""")]
    [InlineData("""{"type":"response.create","input":1}""")]
    [InlineData("""{"type":"response.create","input":"x","temperature":9}""")]
    public async Task A_bad_message_is_an_error_and_the_connection_goes_on(string message)
    {
        await using var server = await StartAsync(ScriptedChatClient.Saying("Hello"));
        using var socket = await ConnectAsync(server);
        var error = await TurnAsync(socket, message);
        error.GetProperty("status").GetInt32().Should().Be(400);
        OpenResponsesSchema.ShouldBe(error, "WebSocketErrorEvent");
        ShouldBeCompleted(await TurnAsync(socket, """{"type":"response.create","input":"x"}"""));
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_an_error_that_says_so_and_closes_the_connection()
    {
        var release = new TaskCompletionSource();
        var client = new ScriptedChatClient(request => WhenAsync(release.Task, request.CancellationToken));
        await using var server = await TestServer.StartAsync(client, options => options.MaxRequestBodySize = 1_000);
        using var socket = await ConnectAsync(server);
        await SendAsync(socket, """{"type":"response.create","input":"x"}""");
        await OperationsTests.Eventually(() => client.Running == 1);

        // More than buffers hold, so that the client still sends it when the error comes; the response before it is finished.
        var sending = SendAsync(socket, $$"""{"type":"response.create","input":"{{new string('x', 4 << 20)}}"}""");
        release.SetResult();
        JsonElement received;
        do
        {
            received = await ReceiveAsync(socket);
        }
        while (received.GetProperty("type").GetString() is not ("response.completed" or "error"));

        ShouldBeCompleted(received);
        var error = await ReceiveAsync(socket);
        OpenResponsesSchema.ShouldBe(error, "WebSocketErrorEvent");
        error.GetProperty("status").GetInt32().Should().Be(413);
        error.GetProperty("error").GetProperty("code").GetString().Should().Be("message_too_large");
        error.GetProperty("error").GetProperty("message").GetString().Should()
            .MatchRegex("^The message has [0-9,]+ bytes or more; this server takes 1,000");
        var end = await socket.ReceiveAsync(new byte[1], Cancellation).WaitAsync(Patience, Cancellation);
        end.MessageType.Should().Be(WebSocketMessageType.Close);
        socket.CloseStatus.Should().Be(WebSocketCloseStatus.MessageTooBig);
        await Task.WhenAny(sending).WaitAsync(Patience, Cancellation);
    }

    private static Task<TestServer> StartAsync(ScriptedChatClient client) =>
        TestServer.StartAsync(client, options => options.ReasoningEventNames = ReasoningEventNames.OpenResponses);

    private static async Task<ClientWebSocket> ConnectAsync(TestServer server)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "Bearer none");
        await socket.ConnectAsync(new Uri($"ws://{server.Url.Authority}/v1/responses"), Cancellation);
        return socket;
    }

    private static Task SendAsync(ClientWebSocket socket, string message) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, endOfMessage: true, Cancellation);

    /// <summary>Sends a message; the event that ends its turn. All before it are valid.</summary>
    private static async Task<JsonElement> TurnAsync(ClientWebSocket socket, string message)
    {
        await SendAsync(socket, message);
        while (true)
        {
            var received = await ReceiveAsync(socket);
            if (received.GetProperty("type").GetString() is "error")
            {
                return received;
            }

            OpenResponsesSchema.ShouldBeEvent(received);
            if (received.GetProperty("type").GetString() is "response.completed" or "response.failed" or "response.incomplete")
            {
                return received;
            }
        }
    }

    private static async Task<JsonElement> ReceiveAsync(ClientWebSocket socket)
    {
        using var message = new MemoryStream();
        var buffer = new byte[4_096];
        WebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer, Cancellation).WaitAsync(Patience, Cancellation);
            message.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return JsonElement.Parse(message.ToArray());
    }

    private static void ShouldBeCompleted(JsonElement end) =>
        end.GetProperty("response").GetProperty("status").GetString().Should().Be("completed");

    private static string IdOf(JsonElement end) => end.GetProperty("response").GetProperty("id").GetString()!;

    private static async IAsyncEnumerable<AIContent> WhenAsync(
        Task release, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await release.WaitAsync(cancellationToken);
        yield return new TextContent("a");
    }

    private static async IAsyncEnumerable<AIContent> ForeverAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new TextContent("a");
        await Task.Delay(Timeout.Infinite, cancellationToken);
    }
}
