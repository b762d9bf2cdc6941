using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Sampling;

/// <summary>The tokens that truncation has left, ascending by id.</summary>
/// <remarks>Buffers grow to what a row needed and are then reused. One thread.</remarks>
internal sealed class Candidates
{
    private int[] _tokens = [];
    private float[] _logits = [];
    private float[] _weights = [];
    private ulong[] _ranks = [];

    public int Count { get; private set; }

    public ReadOnlySpan<float> Logits => _logits.AsSpan(0, Count);

    /// <summary>Gets <c>exp((logit - maximum) * scale)</c> of each candidate, as <see cref="Weigh"/> was last told.</summary>
    public ReadOnlySpan<float> Weights => _weights.AsSpan(0, Count);

    public int Token(int index) => _tokens[index];

    /// <summary>Starts anew with the tokens whose logit is at least <paramref name="threshold"/>; never with forbidden ones.</summary>
    public void Collect(ReadOnlySpan<float> logits, ReadOnlySpan<float> blockMaxima, float threshold)
    {
        Count = 0;
        threshold = Math.Max(threshold, float.MinValue);
        for (var block = 0; block < blockMaxima.Length; block++)
        {
            if (blockMaxima[block] >= threshold)
            {
                CollectBlock(LogitRow.Block(logits, block), block * LogitRow.BlockSize, threshold);
            }
        }
    }

    /// <summary>Keeps the <paramref name="count"/> most probable tokens.</summary>
    public void KeepTop(int count)
    {
        if (count < Count)
        {
            _weights.AsSpan(0, Count).Fill(1);
            KeepMass(count);
        }
    }

    /// <summary>Keeps the fewest most probable tokens whose weights reach <paramref name="mass"/>.</summary>
    public void KeepMass(double mass)
    {
        EnsureRanks();
        for (var i = 0; i < Count; i++)
        {
            _ranks[i] = TokenRank.Of(_logits[i], _tokens[i]);
        }

        var cutoff = TokenRank.Cutoff(_ranks.AsSpan(0, Count), _weights.AsSpan(0, Count), mass);
        var kept = 0;
        for (var i = 0; i < Count; i++)
        {
            if (TokenRank.Of(_logits[i], _tokens[i]) >= cutoff)
            {
                (_tokens[kept], _logits[kept]) = (_tokens[i], _logits[i]);
                kept++;
            }
        }

        Count = kept;
    }

    /// <summary>Keeps the tokens whose logit is at least <paramref name="threshold"/>.</summary>
    public void KeepAbove(float threshold)
    {
        var kept = 0;
        for (var i = 0; i < Count; i++)
        {
            if (_logits[i] >= threshold)
            {
                (_tokens[kept], _logits[kept]) = (_tokens[i], _logits[i]);
                kept++;
            }
        }

        Count = kept;
    }

    /// <summary>Computes the <see cref="Weights"/>.</summary>
    public void Weigh(float maximum, float scale) => LogitRow.Exp(Logits, maximum, scale, _weights);

    /// <summary>The candidates from the most to the least probable, as ranks.</summary>
    public ReadOnlySpan<ulong> Sorted()
    {
        EnsureRanks();
        var ranks = _ranks.AsSpan(0, Count);
        for (var i = 0; i < Count; i++)
        {
            ranks[i] = ~TokenRank.Of(_logits[i], _tokens[i]);
        }

        ranks.Sort();
        foreach (ref var rank in ranks)
        {
            rank = ~rank;
        }

        return ranks;
    }

    private void CollectBlock(ReadOnlySpan<float> logits, int firstToken, float threshold)
    {
        EnsureRoom(Count + logits.Length);
        var (tokens, values, count) = (_tokens, _logits, Count);
        var vectors = MemoryMarshal.Cast<float, Vector256<float>>(logits);
        for (var v = 0; v < vectors.Length; v++)
        {
            var hits = Vector256.GreaterThanOrEqual(vectors[v], Vector256.Create(threshold)).ExtractMostSignificantBits();
            for (; hits != 0; hits &= hits - 1)
            {
                var i = (v * Vector256<float>.Count) + int.TrailingZeroCount((int)hits);
                (tokens[count], values[count]) = (firstToken + i, logits[i]);
                count++;
            }
        }

        for (var i = vectors.Length * Vector256<float>.Count; i < logits.Length; i++)
        {
            if (logits[i] >= threshold)
            {
                (tokens[count], values[count]) = (firstToken + i, logits[i]);
                count++;
            }
        }

        Count = count;
    }

    private void EnsureRoom(int count)
    {
        if (count > _tokens.Length)
        {
            var size = Math.Max(count, 2 * _tokens.Length);
            Array.Resize(ref _tokens, size);
            Array.Resize(ref _logits, size);
            Array.Resize(ref _weights, size);
        }
    }

    private void EnsureRanks()
    {
        if (_ranks.Length < Count)
        {
            _ranks = new ulong[_tokens.Length];
        }
    }
}
