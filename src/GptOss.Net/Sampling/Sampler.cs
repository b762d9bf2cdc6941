using System.Globalization;

namespace GptOss.Net.Sampling;

/// <summary>
/// Chooses the next token of a sequence from its row of logits: the one rule book, which every other sampler is tested against.
/// </summary>
/// <remarks>
/// The order of the rules is that of <see cref="SamplingOptions"/>. Ties go to the lower id. What is left is drawn by inverting the
/// cumulative distribution in the order of ids with the row's own random number, so that a token depends on its logits, options,
/// seed and position only. An instance owns buffers: one thread. In a steady state only lists of most probable tokens are allocated.
/// </remarks>
internal sealed class Sampler
{
    private readonly float[] _blockMaxima;
    private readonly float[] _blockSums;
    private readonly ulong[] _blockRanks;
    private readonly Candidates _candidates = new();
    private readonly float[] _blockWeights = new float[LogitRow.BlockSize];
    private float[] _modelLogits = [];

    public Sampler(int vocabularySize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabularySize);
        VocabularySize = vocabularySize;
        var blocks = LogitRow.BlockCount(vocabularySize);
        _blockMaxima = new float[blocks];
        _blockSums = new float[blocks];
        _blockRanks = new ulong[blocks];
    }

    public int VocabularySize { get; }

    /// <summary>Chooses the token of a row. Overwrites <paramref name="logits"/>.</summary>
    /// <exception cref="NonFiniteLogitsException">The model's logits are not finite.</exception>
    /// <exception cref="GptOssException">The mask forbids every token.</exception>
    public SampledToken Sample(Span<float> logits, in RowSampling row)
    {
        var options = row.Options ?? throw new ArgumentException("The row's logits are wanted, not a token.", nameof(row));
        if (logits.Length != VocabularySize)
        {
            throw new ArgumentException($"The row has {logits.Length} logits; the vocabulary has {VocabularySize}.", nameof(logits));
        }

        if (!LogitRow.Maxima(logits, _blockMaxima))
        {
            throw NonFinite(logits, row.Position);
        }

        var report = options.LogProbabilities ? Remember(logits, options.TopLogProbabilities) : default;
        if (row.Adjusts)
        {
            Adjust(logits, row);
        }

        var token = Choose(logits, row, options);
        return options.LogProbabilities
            ? new SampledToken(token, (float)(_modelLogits[token] - report.LogTotal), report.Top)
            : new SampledToken(token);
    }

    private void Adjust(Span<float> logits, in RowSampling row)
    {
        row.Adjust(logits);
        LogitRow.Maxima(logits, _blockMaxima);
        if (float.IsNegativeInfinity(MaximumBlock().Maximum))
        {
            throw new GptOssException(
                $"The constraint forbids all {VocabularySize} tokens at output token {row.Position}; the sequence cannot go on.");
        }
    }

    private int Choose(ReadOnlySpan<float> logits, in RowSampling row, SamplingOptions options)
    {
        var (maximum, block) = MaximumBlock();
        if (row.IsGreedy)
        {
            return (block * LogitRow.BlockSize) + LogitRow.Block(logits, block).IndexOf(maximum);
        }

        var scale = (float)(1 / options.Temperature);
        if (options is { TopK: 0, TopP: 1, MinP: 0 })
        {
            return DrawFromAll(logits, maximum, scale, row.Uniform);
        }

        Truncate(logits, options, maximum, scale);
        _candidates.Weigh(maximum, scale);
        var target = row.Uniform * Sum(_candidates.Weights);
        return _candidates.Token(Pick(_candidates.Weights, ref target));
    }

    private (float Maximum, int Block) MaximumBlock()
    {
        var best = 0;
        for (var block = 1; block < _blockMaxima.Length; block++)
        {
            if (_blockMaxima[block] > _blockMaxima[best])
            {
                best = block;
            }
        }

        return (_blockMaxima[best], best);
    }

    private int DrawFromAll(ReadOnlySpan<float> logits, float maximum, float scale, double uniform)
    {
        LogitRow.ExpSums(logits, _blockMaxima, maximum, scale, _blockSums);
        var target = uniform * Sum(_blockSums);
        var block = Pick(_blockSums, ref target);
        var candidates = LogitRow.Block(logits, block);
        var weights = _blockWeights.AsSpan(0, candidates.Length);
        LogitRow.Exp(candidates, maximum, scale, weights);
        return (block * LogitRow.BlockSize) + Pick(weights, ref target);
    }

    /// <summary>Top-k, top-p and min-p, starting from as few tokens as certainly hold the result.</summary>
    private void Truncate(ReadOnlySpan<float> logits, SamplingOptions options, float maximum, float scale)
    {
        var minimum = options.MinP > 0 ? maximum + (float)(options.Temperature * Math.Log(options.MinP)) : float.NegativeInfinity;
        if (options.TopK > 0)
        {
            CollectTop(logits, options.TopK);
            KeepTopP(options.TopP, maximum, scale, null);
        }
        else if (options.TopP < 1)
        {
            // Tokens lighter than this add up to less than what top-p may leave out. The margin covers rounding.
            LogitRow.ExpSums(logits, _blockMaxima, maximum, scale, _blockSums);
            var total = Sum(_blockSums);
            var lightest = 0.99 * (1 - options.TopP) * total / VocabularySize;
            _candidates.Collect(logits, _blockMaxima, maximum + (float)(options.Temperature * Math.Log(lightest)));
            KeepTopP(options.TopP, maximum, scale, total);
        }
        else
        {
            _candidates.Collect(logits, _blockMaxima, minimum);
        }

        _candidates.KeepAbove(minimum);
    }

    private void KeepTopP(double topP, float maximum, float scale, double? total)
    {
        if (topP < 1)
        {
            _candidates.Weigh(maximum, scale);
            _candidates.KeepMass(topP * (total ?? Sum(_candidates.Weights)));
        }
    }

    private void CollectTop(ReadOnlySpan<float> logits, int count)
    {
        _candidates.Collect(logits, _blockMaxima, LeastOfTop(count));
        _candidates.KeepTop(count);
    }

    /// <summary>A lower bound of the logit of the k-th token: k blocks have a maximum that is at least this.</summary>
    private float LeastOfTop(int count)
    {
        if (count > _blockMaxima.Length)
        {
            return float.NegativeInfinity;
        }

        for (var block = 0; block < _blockMaxima.Length; block++)
        {
            _blockRanks[block] = TokenRank.Of(_blockMaxima[block], block);
        }

        _blockSums.AsSpan().Fill(1);
        return _blockMaxima[TokenRank.Token(TokenRank.Cutoff(_blockRanks, _blockSums, count))];
    }

    /// <summary>Copies the model's own logits before rules change them; reports their normalisation and most probable tokens.</summary>
    private (double LogTotal, TokenLogProbability[]? Top) Remember(ReadOnlySpan<float> logits, int topCount)
    {
        if (_modelLogits.Length == 0)
        {
            _modelLogits = new float[VocabularySize];
        }

        logits.CopyTo(_modelLogits);
        var maximum = MaximumBlock().Maximum;
        LogitRow.ExpSums(logits, _blockMaxima, maximum, 1, _blockSums);
        var logTotal = maximum + Math.Log(Sum(_blockSums));
        if (topCount == 0)
        {
            return (logTotal, null);
        }

        CollectTop(logits, topCount);
        var top = new TokenLogProbability[_candidates.Count];
        var sorted = _candidates.Sorted();
        for (var i = 0; i < top.Length; i++)
        {
            var token = TokenRank.Token(sorted[i]);
            top[i] = new TokenLogProbability(token, (float)(logits[token] - logTotal));
        }

        return (logTotal, top);
    }

    private static double Sum(ReadOnlySpan<float> weights)
    {
        var sum = 0.0;
        foreach (var weight in weights)
        {
            sum += weight;
        }

        return sum;
    }

    /// <summary>
    /// The index at which the running sum exceeds <paramref name="target"/>, which becomes what remains within it; the last index
    /// with a weight if rounding leaves the sum short.
    /// </summary>
    private static int Pick(ReadOnlySpan<float> weights, ref double target)
    {
        var last = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            if (target < weights[i])
            {
                return i;
            }

            target -= weights[i];
            last = weights[i] > 0 ? i : last;
        }

        return last;
    }

    private static NonFiniteLogitsException NonFinite(ReadOnlySpan<float> logits, int position)
    {
        var (count, first) = (0, -1);
        for (var token = 0; token < logits.Length; token++)
        {
            if (!float.IsFinite(logits[token]))
            {
                first = count++ == 0 ? token : first;
            }
        }

        return new NonFiniteLogitsException(string.Create(
            CultureInfo.InvariantCulture,
            $"{count} of {logits.Length} logits are not finite at output token {position}; the first is that of token {first}: "
            + $"{logits[first]}. Check the weights, and compute in bfloat16 or float32 instead of float16."));
    }
}
