namespace GptOss.Net.Tests.Sampling;

/// <summary>The rules of sampling written down plainly: in double precision, sorting everything.</summary>
internal static class ReferenceSampler
{
    // A boundary nearer than this may fall either way in single precision.
    private const double Doubt = 1e-5;

    /// <summary>The token to expect, or null where rounding decides.</summary>
    public static int? Sample(
        ReadOnlySpan<float> logits, SamplingOptions options, int[] prompt, List<int> output, Func<int, bool> isAllowed, double uniform)
    {
        var adjusted = Adjust(logits, options, prompt, output, isAllowed);
        var sorted = Enumerable.Range(0, adjusted.Length).Where(id => !double.IsNegativeInfinity(adjusted[id]))
            .OrderByDescending(id => adjusted[id]).ThenBy(id => id).ToList();
        if (options.Temperature == 0)
        {
            return sorted[0];
        }

        if (options.TopK > 0)
        {
            sorted = [.. sorted.Take(options.TopK)];
        }

        var maximum = adjusted[sorted[0]];
        var weights = adjusted.Select(logit => Math.Exp((logit - maximum) / options.Temperature)).ToArray();
        if (!KeepTopP(sorted, weights, options.TopP) || sorted.Any(id => Math.Abs(weights[id] - options.MinP) < Doubt * options.MinP))
        {
            return null;
        }

        return Draw([.. sorted.Where(id => weights[id] >= options.MinP).Order()], weights, uniform);
    }

    private static double[] Adjust(
        ReadOnlySpan<float> logits, SamplingOptions options, int[] prompt, List<int> output, Func<int, bool> isAllowed)
    {
        // In single precision like the model's logits, so that ties stay ties.
        var adjusted = new double[logits.Length];
        for (var id = 0; id < logits.Length; id++)
        {
            var logit = logits[id];
            if (prompt.Contains(id) || output.Contains(id))
            {
                logit = logit > 0 ? logit / (float)options.RepetitionPenalty : logit * (float)options.RepetitionPenalty;
            }

            var count = output.Count(other => other == id);
            if (count > 0)
            {
                logit -= (count * (float)options.FrequencyPenalty) + (float)options.PresencePenalty;
            }

            logit += options.LogitBias?.GetValueOrDefault(id) ?? 0;
            adjusted[id] = isAllowed(id) ? logit : double.NegativeInfinity;
        }

        return adjusted;
    }

    private static bool KeepTopP(List<int> sorted, double[] weights, double topP)
    {
        if (topP >= 1)
        {
            return true;
        }

        var target = topP * sorted.Sum(id => weights[id]);
        var (sum, kept) = (0.0, 0);
        while (kept < sorted.Count && (kept == 0 || sum < target))
        {
            sum += weights[sorted[kept++]];
            if (Math.Abs(sum - target) < Doubt * target)
            {
                return false;
            }
        }

        sorted.RemoveRange(kept, sorted.Count - kept);
        return true;
    }

    private static int? Draw(List<int> ids, double[] weights, double uniform)
    {
        var total = ids.Sum(id => weights[id]);
        var sum = 0.0;
        foreach (var id in ids)
        {
            sum += weights[id];
            if (Math.Abs(sum - (uniform * total)) < Doubt * total)
            {
                return ids.Count == 1 ? id : null;
            }

            if (uniform * total < sum)
            {
                return id;
            }
        }

        return null;
    }
}
