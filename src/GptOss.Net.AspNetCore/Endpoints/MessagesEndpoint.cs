using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Messages;
using GptOss.Net.AspNetCore.Mapping;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary><c>POST /v1/messages</c> and <c>/v1/messages/count_tokens</c>, Anthropic's form.</summary>
internal sealed class MessagesEndpoint(OpenAIServer server, RequestGate gate, UnknownFields unknown)
{
    private static readonly ReadOnlyMemory<byte> Ping = "event: ping\ndata: {\"type\":\"ping\"}\n\n"u8.ToArray();

    public async Task CreateAsync(ServedRequest request)
    {
        var (body, call) = await ReadAsync(request, isCount: false).ConfigureAwait(false);
        using var place = server.Admission.Enter(request.Caller, 1);
        var input = body.Stream is true && server.TokensOrNull is { } tokens
            ? (await tokens.EncodeAsync(call.Messages, call.Options, request.Ended).ConfigureAwait(false)).Length
            : 0;
        var turn = PrimedStream<ChatResponseUpdate>.Start(
            server.Client.GetStreamingResponseAsync(call.Messages, call.Options, request.Ended), request.Ended);
        await using (turn.ConfigureAwait(false))
        {
            await (body.Stream is true ? StreamAsync(request, turn, input) : ReplyAsync(request, turn)).ConfigureAwait(false);
        }
    }

    public async Task CountAsync(ServedRequest request)
    {
        var (_, call) = await ReadAsync(request, isCount: true).ConfigureAwait(false);
        var tokens = await server.Tokens.EncodeAsync(call.Messages, call.Options, request.Ended).ConfigureAwait(false);
        await JsonBody.WriteAsync(request.Http, new MessageTokens(tokens.Length), ReplyJson.Default.MessageTokens).ConfigureAwait(false);
    }

    private async Task<(MessagesRequest Body, ModelCall Call)> ReadAsync(ServedRequest request, bool isCount)
    {
        var body = await JsonBody.ReadAsync(request, RequestJson.Default.MessagesRequest).ConfigureAwait(false);
        unknown.Log(body);
        server.CheckModel(Check.Required(body.Model, "model"));
        return (body, MessagesRequestMapper.Map(body, server.Options, request.Caller, isCount));
    }

    private MessageBuilder Builder(long input, Action<MessageEvent> emit) =>
        new(server.ModelId, input, !server.Options.HidesReasoning, emit);

    private async Task ReplyAsync(ServedRequest request, PrimedStream<ChatResponseUpdate> turn)
    {
        var builder = Builder(0, _ => { });
        while (await turn.MoveNextAsync().ConfigureAwait(false))
        {
            builder.Add(turn.Current);
        }

        await JsonBody.WriteAsync(request.Http, builder.Finish(), ReplyJson.Default.MessageReply).ConfigureAwait(false);
    }

    private async Task StreamAsync(ServedRequest request, PrimedStream<ChatResponseUpdate> turn, long input)
    {
        var stream = EventStream.Start(request, Ping);
        await using (stream.ConfigureAwait(false))
        {
            var builder = Builder(input, found => stream.Write(found.Type, found, ReplyJson.Default.MessageEvent));
            try
            {
                builder.Start();
                await stream.PumpAsync(turn, builder.Add, request.Ended).ConfigureAwait(false);
                builder.Finish();
            }
            catch (Exception exception) when (!request.IsLeft)
            {
                var error = request.Explain(exception);
                gate.LogFailure(request.Http, error, exception);
                stream.Write(
                    "error", new MessageEvent("error") { Error = AnthropicErrorFormat.Error(error) }, ReplyJson.Default.MessageEvent);
            }

            await stream.FlushAsync(request.Http.RequestAborted).ConfigureAwait(false);
        }
    }
}
