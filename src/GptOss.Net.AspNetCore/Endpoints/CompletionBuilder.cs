using System.Text;
using GptOss.Net.AspNetCore.Contracts.Chat;
using GptOss.Net.AspNetCore.Contracts.Completions;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>Collects the tokens of completions, or turns each into an event.</summary>
internal sealed class CompletionBuilder(OpenAIServer server, CompletionRequest body, IReadOnlyList<int[]> prompts, int choices)
{
    private const float LeastLogprob = -9_999;

    private readonly string _id = "cmpl-" + Guid.NewGuid().ToString("N");
    private readonly long _created = server.Time.GetUtcNow().ToUnixTimeSeconds();
    private readonly Continuation[] _continuations = [.. Enumerable.Range(0, prompts.Count * choices).Select(_ => new Continuation())];
    private long _cached;
    private long _generated;

    /// <summary>The prompts, where they are to be repeated.</summary>
    public IEnumerable<CompletionReply> Echoes() => body.Echo is true
        ? _continuations.Select((_, i) => Reply([new CompletionChoice(i, PromptText(i / choices), null, null)]))
        : [];

    /// <summary>The event of a token, or <see langword="null"/> where it decided no text yet.</summary>
    public CompletionReply? Chunk(PromptToken token)
    {
        var index = Add(token);
        var continuation = _continuations[index];
        if (token.Token.Text.Length == 0 && token.Token.FinishReason is null)
        {
            return null;
        }

        var logprobs = continuation.Logprobs;
        continuation.Logprobs = null;
        return Reply([new CompletionChoice(index, token.Token.Text, logprobs, continuation.FinishReason)]);
    }

    /// <summary>The last event, where the client asked for it.</summary>
    public CompletionReply? UsageChunk() => body.StreamOptions?.IncludeUsage is true ? Reply([]) with { Usage = Usage() } : null;

    public CompletionReply Build() => Reply([.. _continuations.Select((continuation, i) => new CompletionChoice(
        i,
        (body.Echo is true ? PromptText(i / choices) : "") + continuation.Text,
        continuation.Logprobs,
        continuation.FinishReason ?? "stop"))]) with
    {
        Usage = Usage(),
    };

    /// <summary>Adds a token; the index of its continuation.</summary>
    public int Add(PromptToken found)
    {
        var token = found.Token;
        var index = (found.Prompt * choices) + token.AnswerIndex;
        var continuation = _continuations[index];
        _generated++;
        _cached = Math.Max(_cached, token.CachedPromptTokens);
        if (token.LogProbability is { } probability)
        {
            Add(continuation.Logprobs ??= new CompletionLogprobs(), token, probability, continuation.Text.Length);
        }

        continuation.Text.Append(token.Text);
        continuation.FinishReason = token.FinishReason switch
        {
            null => null,
            FinishReason.Length => "length",
            _ => "stop",
        };
        return index;
    }

    private void Add(CompletionLogprobs logprobs, GeneratedToken token, float probability, int offset)
    {
        var tokenizer = server.Tokens.Tokenizer;
        logprobs.Tokens.Add(tokenizer.Decode([token.Id]));
        logprobs.TokenLogprobs.Add(Math.Max(probability, LeastLogprob));
        logprobs.TextOffset.Add(offset);
        if (token.TopLogProbabilities is { } top)
        {
            var byText = new Dictionary<string, double>(StringComparer.Ordinal);
            foreach (var (id, other) in top)
            {
                byText.TryAdd(tokenizer.Decode([id]), Math.Max(other, LeastLogprob));
            }

            logprobs.TopLogprobs.Add(byText);
        }
        else
        {
            logprobs.TopLogprobs.Add(null);
        }
    }

    private string PromptText(int prompt) => server.Tokens.Tokenizer.Decode(prompts[prompt]);

    private CompletionReply Reply(IReadOnlyList<CompletionChoice> some) => new(_id, _created, server.ModelId, some);

    private ChatUsage Usage()
    {
        var prompt = prompts.Sum(tokens => (long)tokens.Length);
        return new ChatUsage(prompt, _generated, prompt + _generated, new PromptTokensDetails(_cached), new CompletionTokensDetails(0));
    }

    private sealed class Continuation
    {
        public StringBuilder Text { get; } = new();

        public CompletionLogprobs? Logprobs { get; set; }

        public string? FinishReason { get; set; }
    }
}
