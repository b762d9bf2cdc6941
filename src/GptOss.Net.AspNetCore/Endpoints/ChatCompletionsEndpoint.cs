using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Chat;
using GptOss.Net.AspNetCore.Mapping;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary><c>POST /v1/chat/completions</c>.</summary>
internal sealed class ChatCompletionsEndpoint(OpenAIServer server, RequestGate gate, UnknownFields unknown)
{
    public async Task HandleAsync(ServedRequest request)
    {
        var body = await JsonBody.ReadAsync(request, RequestJson.Default.ChatCompletionRequest).ConfigureAwait(false);
        unknown.Log(body);
        server.CheckModel(body.Model);
        var choices = Check.InRange(body.N, 1, server.Options.MaxChoices, "n") ?? 1;
        if (body.StreamOptions is not null && body.Stream is not true)
        {
            throw RequestError.Invalid("stream_options", "'stream_options' needs 'stream': true.");
        }

        var call = ChatRequestMapper.Map(body, server, request.Caller);
        using var place = server.Admission.Enter(request.Caller, choices);
        var answer = new ChatAnswerOptions
        {
            Id = "chatcmpl-" + Guid.NewGuid().ToString("N"),
            Created = server.Time.GetUtcNow().ToUnixTimeSeconds(),
            Model = server.ModelId,
            Choices = choices,
            ShowsReasoning = ChatRequestMapper.ShowsReasoning(body) && !server.Options.HidesReasoning,
            IncludesUsage = body.StreamOptions?.IncludeUsage is true,
            Logprobs = body.Logprobs is true ? new LogprobMapper(server.Tokenizer) : null,
        };
        var turn = ChoiceTurns.Start(server.Client, call, choices, request.Ended);
        await using (turn.ConfigureAwait(false))
        {
            await (body.Stream is true ? StreamAsync(request, turn, answer) : ReplyAsync(request, turn, answer)).ConfigureAwait(false);
        }
    }

    private async Task ReplyAsync(ServedRequest request, ChoiceTurns turn, ChatAnswerOptions answer)
    {
        var builders = Enumerable.Range(0, answer.Choices).Select(i => new ChatChoiceBuilder(i, answer)).ToArray();
        var reasoning = Reasoning(request, answer);
        while (await turn.MoveNextAsync().ConfigureAwait(false))
        {
            reasoning[turn.Current.Index].Add(turn.Current.Update);
            builders[turn.Current.Index].Add(turn.Current.Update);
        }

        var completion = new ChatCompletion(
            answer.Id,
            answer.Created,
            answer.Model,
            [.. builders.Select(builder => builder.Build())],
            UsageMapper.ToChat([.. builders.Select(builder => builder.Usage)]));
        await JsonBody.WriteAsync(request.Http, completion, ReplyJson.Default.ChatCompletion).ConfigureAwait(false);
    }

    private async Task StreamAsync(ServedRequest request, ChoiceTurns turn, ChatAnswerOptions answer)
    {
        var stream = EventStream.Start(request);
        await using (stream.ConfigureAwait(false))
        {
            var writer = new ChatStreamWriter(stream, answer);
            var reasoning = Reasoning(request, answer);
            try
            {
                writer.WriteStart();
                await stream.PumpAsync(turn, Write, request.Ended).ConfigureAwait(false);
                writer.WriteEnd();
            }
            catch (Exception exception) when (!request.IsLeft)
            {
                var error = request.Explain(exception);
                gate.LogFailure(request.Http, error, exception);
                stream.Write(null, OpenAIErrorFormat.Reply(error), ReplyJson.Default.ErrorReply);
            }

            stream.WriteDone();
            await stream.FlushAsync(request.Http.RequestAborted).ConfigureAwait(false);

            void Write(ChoiceUpdate update)
            {
                reasoning[update.Index].Add(update.Update);
                writer.Write(update.Index, update.Update);
            }
        }
    }

    private CallReasoning[] Reasoning(ServedRequest request, ChatAnswerOptions answer) =>
        [.. Enumerable.Range(0, answer.Choices).Select(_ => new CallReasoning(server.Reasoning, request.Caller))];
}
