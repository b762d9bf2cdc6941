namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>Chooses a token's experts: the largest logits, softmaxed among themselves.</summary>
internal static class RouterKernel
{
    /// <summary>Selects <paramref name="experts"/>.Length experts; of equal logits, the lower index wins. NaN counts as smallest.</summary>
    /// <param name="logits">Logits <c>[experts]</c>.</param>
    /// <param name="experts">The chosen experts, best first.</param>
    /// <param name="weights">Their weights, which sum to 1.</param>
    public static void Select(ReadOnlySpan<float> logits, Span<int> experts, Span<float> weights)
    {
        for (var rank = 0; rank < experts.Length; rank++)
        {
            var best = NextBest(logits, experts[..rank]);
            (experts[rank], weights[rank]) = (best, logits[best]);
        }

        var (largest, sum) = (weights[0], 0f);
        for (var rank = 0; rank < weights.Length; rank++)
        {
            weights[rank] = MathF.Exp(weights[rank] - largest);
            sum += weights[rank];
        }

        for (var rank = 0; rank < weights.Length; rank++)
        {
            weights[rank] /= sum;
        }
    }

    private static int NextBest(ReadOnlySpan<float> logits, ReadOnlySpan<int> taken)
    {
        var best = -1;
        for (var expert = 0; expert < logits.Length; expert++)
        {
            if (!taken.Contains(expert) && (best < 0 || logits[expert] > logits[best] || float.IsNaN(logits[best])))
            {
                best = expert;
            }
        }

        return best;
    }
}
