using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Responses;
using GptOss.Net.AspNetCore.Mapping;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary><c>POST /v1/responses</c>, and its count of tokens.</summary>
internal sealed class ResponsesEndpoint(OpenAIServer server, RequestGate gate, ResponseRunner runner, BackgroundResponses background)
{
    public async Task CreateAsync(ServedRequest request)
    {
        var body = await JsonBody.ReadAsync(request, RequestJson.Default.ResponseRequest).ConfigureAwait(false);
        var plan = await runner.PlanAsync(body, request.Caller, request.Ended).ConfigureAwait(false);
        if (body.Background is true)
        {
            await CreateInBackgroundAsync(request, plan, body.Stream is true).ConfigureAwait(false);
            return;
        }

        using var place = server.Admission.Enter(request.Caller, 1);
        var turn = runner.Begin(plan, request.Ended);
        await using (turn.ConfigureAwait(false))
        {
            await (body.Stream is true ? StreamAsync(request, plan, turn) : ReplyAsync(request, plan, turn)).ConfigureAwait(false);
        }
    }

    /// <summary><c>POST /v1/responses/input_tokens</c>.</summary>
    public async Task CountAsync(ServedRequest request)
    {
        var body = await JsonBody.ReadAsync(request, RequestJson.Default.ResponseRequest).ConfigureAwait(false);
        var plan = await runner.PlanAsync(body, request.Caller, request.Ended).ConfigureAwait(false);
        var tokens = await server.Tokens.EncodeAsync(plan.Call.Messages, plan.Call.Options, request.Ended).ConfigureAwait(false);
        await JsonBody.WriteAsync(request.Http, new InputTokensReply(tokens.Length), ReplyJson.Default.InputTokensReply)
            .ConfigureAwait(false);
    }

    private async Task ReplyAsync(ServedRequest request, ResponsePlan plan, PrimedStream<ChatResponseUpdate> turn)
    {
        var builder = runner.Builder(plan, _ => { });
        builder.Start();
        while (await turn.MoveNextAsync().ConfigureAwait(false))
        {
            builder.Add(turn.Current);
        }

        var body = builder.Finish();
        await runner.StoreAsync(plan, body, builder).ConfigureAwait(false);
        await JsonBody.WriteAsync(request.Http, body, ReplyJson.Default.ResponseBody).ConfigureAwait(false);
    }

    private async Task StreamAsync(ServedRequest request, ResponsePlan plan, PrimedStream<ChatResponseUpdate> turn)
    {
        var stream = EventStream.Start(request);
        await using (stream.ConfigureAwait(false))
        {
            var builder = runner.Builder(plan, found => stream.Write(found.Type, found, ReplyJson.Default.ResponseEvent));
            ResponseBody body;
            try
            {
                builder.Start();
                await stream.PumpAsync(turn, builder.Add, request.Ended).ConfigureAwait(false);
                body = builder.Finish();
            }
            catch (Exception exception) when (!request.IsLeft)
            {
                var error = request.Explain(exception);
                gate.LogFailure(request.Http, error, exception);
                body = builder.Fail(error);
            }

            // Kept before the client hears of the end, so that it can go on from here at once.
            await runner.StoreAsync(plan, body, builder).ConfigureAwait(false);
            stream.WriteDone();
            await stream.FlushAsync(request.Http.RequestAborted).ConfigureAwait(false);
        }
    }

    private async Task CreateInBackgroundAsync(ServedRequest request, ResponsePlan plan, bool streams)
    {
        var run = await background.StartAsync(plan).ConfigureAwait(false);
        if (!streams)
        {
            await JsonBody.WriteAsync(request.Http, plan.Start, ReplyJson.Default.ResponseBody).ConfigureAwait(false);
            return;
        }

        await run.StreamAsync(request, 0).ConfigureAwait(false);
    }
}
