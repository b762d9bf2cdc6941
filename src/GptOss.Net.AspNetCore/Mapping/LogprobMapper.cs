using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>The log-probabilities that an update of the text carries.</summary>
internal sealed class LogprobMapper(HarmonyTokenizer? tokenizer)
{
    private const float Least = -9_999;

    /// <summary>Those of the tokens of an update, or <see langword="null"/> where it has none.</summary>
    public IReadOnlyList<TokenLogprob>? Map(ChatResponseUpdate update) =>
        update.RawRepresentation is GeneratedToken { LogProbability: { } probability } token && tokenizer is not null
            ? [Entry(token.Id, probability) with { TopLogprobs = [.. (token.TopLogProbabilities ?? []).Select(Entry)] }]
            : null;

    private TokenLogprob Entry(TokenLogProbability token) => Entry(token.Id, token.LogProbability);

    private TokenLogprob Entry(int id, float probability)
    {
        var bytes = tokenizer!.GetBytes(id);
        var list = new int[bytes.Length];
        for (var i = 0; i < list.Length; i++)
        {
            list[i] = bytes[i];
        }

        // JSON has no infinity.
        return new TokenLogprob(tokenizer.Decode([id]), Math.Max(probability, Least), list);
    }
}
