namespace GptOss.Net.Sampling;

/// <summary>
/// A logit and its token as one number that orders candidates: the greater is the more probable, and of equal ones the smaller id.
/// </summary>
internal static class TokenRank
{
    public static ulong Of(float logit, int token)
    {
        // + 0f makes -0 and 0 equal; then the bits of a float are ordered like an integer once negative ones are mirrored.
        var bits = BitConverter.SingleToInt32Bits(logit + 0f);
        var ordered = (uint)(bits ^ ((bits >> 31) | int.MinValue));
        return ((ulong)ordered << 32) | (uint)~token;
    }

    public static int Token(ulong rank) => ~(int)(uint)rank;

    /// <summary>
    /// The rank at which the weights, summed from the greatest rank down, first reach <paramref name="target"/>; 0 if they never do.
    /// Linear on average; reorders both spans.
    /// </summary>
    public static ulong Cutoff(Span<ulong> ranks, Span<float> weights, double target)
    {
        var (low, high) = (0, ranks.Length);
        while (low < high)
        {
            var (pivot, massAbove) = Partition(ranks[low..high], weights[low..high]);
            pivot += low;
            if (pivot > low && massAbove >= target)
            {
                high = pivot;
                continue;
            }

            target -= massAbove + weights[pivot];
            if (target <= 0)
            {
                return ranks[pivot];
            }

            low = pivot + 1;
        }

        return 0;
    }

    /// <summary>Moves the greater ranks before a pivot; returns where the pivot came to lie and the weight before it.</summary>
    private static (int Pivot, double MassAbove) Partition(Span<ulong> ranks, Span<float> weights)
    {
        var last = ranks.Length - 1;
        Swap(ranks, weights, MedianOfThree(ranks), last);
        var pivot = ranks[last];
        var (store, mass) = (0, 0.0);
        for (var i = 0; i < last; i++)
        {
            // Swapped in any case: cheaper than a branch that no processor can predict.
            Swap(ranks, weights, i, store);
            var isAbove = ranks[store] > pivot;
            mass += isAbove ? weights[store] : 0;
            store += isAbove ? 1 : 0;
        }

        Swap(ranks, weights, store, last);
        return (store, mass);
    }

    private static int MedianOfThree(ReadOnlySpan<ulong> ranks)
    {
        // Unequal steps: rising, falling and mirrored rows all get a good pivot.
        var (a, b, c) = (ranks.Length / 7, ranks.Length / 2, ranks.Length * 4L / 5);
        var (x, y, z) = (ranks[a], ranks[b], ranks[(int)c]);
        if (x > y == y > z)
        {
            return b;
        }

        return y > x == x > z ? a : (int)c;
    }

    private static void Swap(Span<ulong> ranks, Span<float> weights, int i, int j)
    {
        (ranks[i], ranks[j]) = (ranks[j], ranks[i]);
        (weights[i], weights[j]) = (weights[j], weights[i]);
    }
}
