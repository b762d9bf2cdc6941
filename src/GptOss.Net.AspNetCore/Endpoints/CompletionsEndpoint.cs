using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Completions;
using GptOss.Net.AspNetCore.Mapping;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary><c>POST /v1/completions</c>: continues raw text. Several prompts are continued one after the other.</summary>
internal sealed class CompletionsEndpoint(OpenAIServer server, RequestGate gate, UnknownFields unknown)
{
    private const int DefaultMaxTokens = 16;

    public async Task HandleAsync(ServedRequest request)
    {
        var body = await JsonBody.ReadAsync(request, RequestJson.Default.CompletionRequest).ConfigureAwait(false);
        unknown.Log(body);
        server.CheckModel(body.Model);
        Refuse(body);
        var choices = Check.InRange(body.N, 1, server.Options.MaxChoices, "n") ?? 1;
        var sampling = Sampling(body, choices);
        var generation = new GenerationOptions
        {
            Priority = Check.InRange(body.Priority, -1_000, 1_000, "priority") ?? 0,
            CacheSalt = SamplingReader.CacheSalt(body.CacheSalt, request.Caller),
        };
        var prompts = TokenPrompt.Read(body.Prompt, server.Tokens.Tokenizer);
        using var place = server.Admission.Enter(request.Caller, choices);
        var tokens = PrimedStream<PromptToken>.Start(Generate(prompts, sampling, generation, request.Ended), request.Ended);
        await using (tokens.ConfigureAwait(false))
        {
            var builder = new CompletionBuilder(server, body, prompts, choices);
            await (body.Stream is true ? StreamAsync(request, tokens, builder) : ReplyAsync(request, tokens, builder))
                .ConfigureAwait(false);
        }
    }

    private async IAsyncEnumerable<PromptToken> Generate(
        IReadOnlyList<int[]> prompts,
        SamplingOptions sampling,
        GenerationOptions generation,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var i = 0; i < prompts.Count; i++)
        {
            await foreach (var token in server.Tokens.GenerateAsync(prompts[i], sampling, generation, cancellationToken)
                .ConfigureAwait(false))
            {
                yield return new PromptToken(i, token);
            }
        }
    }

    private static async Task ReplyAsync(ServedRequest request, PrimedStream<PromptToken> tokens, CompletionBuilder builder)
    {
        while (await tokens.MoveNextAsync().ConfigureAwait(false))
        {
            builder.Add(tokens.Current);
        }

        await JsonBody.WriteAsync(request.Http, builder.Build(), ReplyJson.Default.CompletionReply).ConfigureAwait(false);
    }

    private async Task StreamAsync(ServedRequest request, PrimedStream<PromptToken> tokens, CompletionBuilder builder)
    {
        var stream = EventStream.Start(request);
        await using (stream.ConfigureAwait(false))
        {
            try
            {
                void Write(CompletionReply? chunk)
                {
                    if (chunk is not null)
                    {
                        stream.Write(null, chunk, ReplyJson.Default.CompletionReply);
                    }
                }

                foreach (var echo in builder.Echoes())
                {
                    Write(echo);
                }

                await stream.PumpAsync(tokens, token => Write(builder.Chunk(token)), request.Ended).ConfigureAwait(false);
                Write(builder.UsageChunk());
            }
            catch (Exception exception) when (!request.IsLeft)
            {
                var error = request.Explain(exception);
                gate.LogFailure(request.Http, error, exception);
                stream.Write(null, OpenAIErrorFormat.Reply(error), ReplyJson.Default.ErrorReply);
            }

            stream.WriteDone();
            await stream.FlushAsync(request.Http.RequestAborted).ConfigureAwait(false);
        }
    }

    private static SamplingOptions Sampling(CompletionRequest body, int choices)
    {
        var logprobs = Check.InRange(body.Logprobs, 0, 5, "logprobs");
        return new SamplingOptions
        {
            Temperature = Check.InRange(body.Temperature, 0, 2, "temperature") ?? 1,
            TopP = Check.InRange(body.TopP, 0, 1, "top_p") ?? 1,
            TopK = body.TopK is null or -1 ? 0 : Check.AtLeast(body.TopK, 0, "top_k")!.Value,
            MinP = Check.InRange(body.MinP, 0, 1, "min_p") ?? 0,
            RepetitionPenalty = Check.InRange(body.RepetitionPenalty, 0.01, 10, "repetition_penalty") ?? 1,
            FrequencyPenalty = Check.InRange(body.FrequencyPenalty, -2, 2, "frequency_penalty") ?? 0,
            PresencePenalty = Check.InRange(body.PresencePenalty, -2, 2, "presence_penalty") ?? 0,
            LogitBias = SamplingReader.LogitBias(body.LogitBias, "logit_bias"),
            Seed = body.Seed,
            MaxOutputTokens = Check.AtLeast(body.MaxTokens, 1, "max_tokens") ?? DefaultMaxTokens,
            StopSequences = SamplingReader.Stop(body.Stop, "stop") ?? [],
            StopTokenIds = body.StopTokenIds ?? [],
            AnswerCount = choices,
            LogProbabilities = logprobs is not null,
            TopLogProbabilities = logprobs ?? 0,
        };
    }

    private static void Refuse(CompletionRequest body)
    {
        if (body.Suffix is { Length: > 0 })
        {
            throw RequestError.Unsupported("suffix", "gpt-oss was not trained to fill in");
        }

        if (body.BestOf > (body.N ?? 1))
        {
            throw RequestError.Unsupported("best_of", "ask for several answers with 'n' and choose yourself");
        }

        if (body.StreamOptions is not null && body.Stream is not true)
        {
            throw RequestError.Invalid("stream_options", "'stream_options' needs 'stream': true.");
        }
    }
}
