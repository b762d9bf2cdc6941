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
        tokenizer is not null && update.RawRepresentation is IReadOnlyList<GeneratedToken> tokens
            ? [.. TextOf(tokens).Where(token => token.LogProbability is not null).Select(Entry)]
            : null;

    /// <summary>The tokens of the text: an update has all since the one before, and so the header of its message, too.</summary>
    private static IEnumerable<GeneratedToken> TextOf(IReadOnlyList<GeneratedToken> tokens)
    {
        var start = tokens.Count;
        while (start > 0 && tokens[start - 1].Id != ControlToken.Message)
        {
            start--;
        }

        return tokens.Skip(start).Where(token => !ControlToken.IsControl(token.Id));
    }

    private TokenLogprob Entry(GeneratedToken token) =>
        Entry(token.Id, token.LogProbability!.Value) with { TopLogprobs = [.. (token.TopLogProbabilities ?? []).Select(Entry)] };

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
