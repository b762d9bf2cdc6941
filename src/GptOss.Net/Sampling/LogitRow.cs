using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Sampling;

/// <summary>Vectorised passes over a row of logits, in blocks that stay in the first-level cache.</summary>
internal static class LogitRow
{
    public const int BlockSize = 256;

    public static int BlockCount(int length) => (length + BlockSize - 1) / BlockSize;

    public static ReadOnlySpan<float> Block(ReadOnlySpan<float> logits, int block) =>
        logits.Slice(block * BlockSize, Math.Min(BlockSize, logits.Length - (block * BlockSize)));

    /// <summary>Finds the maximum of each block. False if any logit is NaN or infinite.</summary>
    public static bool Maxima(ReadOnlySpan<float> logits, Span<float> blockMaxima)
    {
        var largestBits = Vector256<int>.Zero;
        for (var block = 0; block < blockMaxima.Length; block++)
        {
            blockMaxima[block] = Maximum(Block(logits, block), ref largestBits);
        }

        return Vector256.LessThanAll(largestBits, Vector256.Create(0x7F80_0000));
    }

    /// <summary>Writes the sum of <c>exp((logit - maximum) * scale)</c> of each block.</summary>
    public static void ExpSums(
        ReadOnlySpan<float> logits, ReadOnlySpan<float> blockMaxima, float maximum, float scale, Span<float> blockSums)
    {
        for (var block = 0; block < blockSums.Length; block++)
        {
            var vanishes = (blockMaxima[block] - maximum) * scale < VectorExp.Smallest;
            blockSums[block] = vanishes ? 0 : ExpSum(Block(logits, block), maximum, scale);
        }
    }

    /// <summary>Writes <c>exp((logit - maximum) * scale)</c> of each logit.</summary>
    public static void Exp(ReadOnlySpan<float> logits, float maximum, float scale, Span<float> weights)
    {
        var vectors = MemoryMarshal.Cast<float, Vector256<float>>(logits);
        var results = MemoryMarshal.Cast<float, Vector256<float>>(weights);
        for (var i = 0; i < vectors.Length; i++)
        {
            results[i] = VectorExp.Exp((vectors[i] - Vector256.Create(maximum)) * scale);
        }

        var done = vectors.Length * Vector256<float>.Count;
        if (done < logits.Length)
        {
            Span<float> tail = stackalloc float[Vector256<float>.Count];
            VectorExp.Exp((Tail(logits[done..], maximum) - Vector256.Create(maximum)) * scale).CopyTo(tail);
            tail[..(logits.Length - done)].CopyTo(weights[done..]);
        }
    }

    private static float Maximum(ReadOnlySpan<float> logits, ref Vector256<int> largestBits)
    {
        var vectors = MemoryMarshal.Cast<float, Vector256<float>>(logits);
        var maximum = Vector256.Create(float.NegativeInfinity);
        var maximumOdd = maximum;
        var bits = largestBits;
        var magnitude = Vector256.Create(0x7FFF_FFFF);
        var i = 0;
        for (; i + 1 < vectors.Length; i += 2)
        {
            var (even, odd) = (vectors[i], vectors[i + 1]);
            maximum = Vector256.MaxNative(maximum, even);
            maximumOdd = Vector256.MaxNative(maximumOdd, odd);
            bits = Vector256.Max(bits, Vector256.Max(even.AsInt32() & magnitude, odd.AsInt32() & magnitude));
        }

        for (i *= Vector256<float>.Count; i < logits.Length; i += Vector256<float>.Count)
        {
            var rest = logits[i..Math.Min(i + Vector256<float>.Count, logits.Length)];
            var tail = Tail(rest, rest[0]);
            maximum = Vector256.MaxNative(maximum, tail);
            bits = Vector256.Max(bits, tail.AsInt32() & magnitude);
        }

        maximum = Vector256.MaxNative(maximum, maximumOdd);

        largestBits = bits;
        var four = Vector128.MaxNative(maximum.GetLower(), maximum.GetUpper());
        var two = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(two, Vector128.Shuffle(two, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    private static float ExpSum(ReadOnlySpan<float> logits, float maximum, float scale)
    {
        var vectors = MemoryMarshal.Cast<float, Vector256<float>>(logits);
        var sum = Vector256<float>.Zero;
        foreach (var vector in vectors)
        {
            sum += VectorExp.Exp((vector - Vector256.Create(maximum)) * scale);
        }

        var done = vectors.Length * Vector256<float>.Count;
        if (done < logits.Length)
        {
            sum += VectorExp.Exp((Tail(logits[done..], float.NegativeInfinity) - Vector256.Create(maximum)) * scale);
        }

        return Vector256.Sum(sum);
    }

    private static Vector256<float> Tail(ReadOnlySpan<float> rest, float filler)
    {
        Span<float> padded = stackalloc float[Vector256<float>.Count];
        padded.Fill(filler);
        rest.CopyTo(padded);
        return Vector256.Create((ReadOnlySpan<float>)padded);
    }
}
