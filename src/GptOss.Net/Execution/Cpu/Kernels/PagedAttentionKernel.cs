using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>
/// Attention of one token over a paged cache, block after block with a running maximum; each head's sink is where it starts.
/// </summary>
/// <remarks>
/// Keys are stored <c>[block, kvHead, headDim, 16]</c>, so that a vector holds one value of the block's 16 positions; values
/// <c>[block, kvHead, 16, headDim]</c>.
/// </remarks>
internal static unsafe class PagedAttentionKernel
{
    /// <summary>Stores one head's key and value at a slot.</summary>
    public static void Write(float* keys, float* values, AttentionShape shape, int slot, int kvHead, float* key, float* value)
    {
        var head = ((nint)(slot / AttentionShape.BlockSize) * shape.BlockStride) + (kvHead * shape.HeadBlockSize);
        var offset = slot % AttentionShape.BlockSize;
        keys += head + offset;
        for (var i = 0; i < shape.HeadDim; i++)
        {
            keys[i * AttentionShape.BlockSize] = key[i];
        }

        Unsafe.CopyBlockUnaligned(values + head + (offset * shape.HeadDim), value, (uint)shape.HeadDim * sizeof(float));
    }

    /// <summary>Attends with the query heads that share a key-value head.</summary>
    /// <param name="keys">The layer's keys.</param>
    /// <param name="values">The layer's values.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="blocks">The sequence's blocks; entry 0 is the one of position 16 · <paramref name="firstBlock"/>.</param>
    /// <param name="firstBlock">The index of the first block that the table has.</param>
    /// <param name="firstPosition">The first position to attend to.</param>
    /// <param name="position">The token's own position, the last to attend to.</param>
    /// <param name="kvHead">The key-value head.</param>
    /// <param name="queries">Queries, scaled by 1 / √headDim, <c>[group, headDim]</c>.</param>
    /// <param name="sinks">The heads' sinks, <c>[group]</c>.</param>
    /// <param name="result">The result, <c>[group, headDim]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Attend(
        float* keys, float* values, AttentionShape shape, int* blocks, int firstBlock, int firstPosition, int position,
        int kvHead, float* queries, float* sinks, float* result)
    {
        var group = shape.GroupSize;
        var scores = stackalloc float[group * AttentionShape.BlockSize];
        var largest = stackalloc float[group];
        var sums = stackalloc float[group];
        for (var head = 0; head < group; head++)
        {
            (largest[head], sums[head]) = (sinks[head], 1);
        }

        new Span<float>(result, group * shape.HeadDim).Clear();
        for (var start = firstPosition & -AttentionShape.BlockSize; start <= position; start += AttentionShape.BlockSize)
        {
            var block = ((nint)blocks[(start / AttentionShape.BlockSize) - firstBlock] * shape.BlockStride) + (kvHead * shape.HeadBlockSize);
            var first = Math.Max(firstPosition - start, 0);
            var last = Math.Min(position - start, AttentionShape.BlockSize - 1);
            var lanes = Vector512<int>.Indices;
            var visible = Vector512.GreaterThanOrEqual(lanes, Vector512.Create(first)) & Vector512.LessThanOrEqual(lanes, Vector512.Create(last));
            var head = 0;
            for (; head + 4 <= group; head += 4)
            {
                Score4(keys + block, shape.HeadDim, queries + (head * shape.HeadDim), scores + (head * AttentionShape.BlockSize));
            }

            for (; head < group; head++)
            {
                Score(keys + block, shape.HeadDim, queries + (head * shape.HeadDim), scores + (head * AttentionShape.BlockSize));
            }

            for (head = 0; head < group; head++)
            {
                var weights = scores + (head * AttentionShape.BlockSize);
                var rescale = Soften(weights, visible.AsSingle(), ref largest[head], ref sums[head]);
                Accumulate(values + block, shape.HeadDim, weights, first, last, rescale, result + (head * shape.HeadDim));
            }
        }

        for (var head = 0; head < group; head++)
        {
            var inverse = Vector512.Create(1 / sums[head]);
            for (var i = 0; i < shape.HeadDim; i += 16, result += 16)
            {
                Vector512.Store(Vector512.Load(result) * inverse, result);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Score4(float* keys, int headDim, float* queries, float* scores)
    {
        var (s0, s1, s2, s3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        for (var i = 0; i < headDim; i++, keys += AttentionShape.BlockSize, queries++)
        {
            var key = Vector512.Load(keys);
            s0 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[0]), s0);
            s1 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[headDim]), s1);
            s2 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[2 * headDim]), s2);
            s3 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[3 * headDim]), s3);
        }

        Vector512.Store(s0, scores);
        Vector512.Store(s1, scores + 16);
        Vector512.Store(s2, scores + 32);
        Vector512.Store(s3, scores + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Score(float* keys, int headDim, float* query, float* scores)
    {
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < headDim; i++)
        {
            sum = Vector512.FusedMultiplyAdd(Vector512.Load(keys + (i * AttentionShape.BlockSize)), Vector512.Create(query[i]), sum);
        }

        Vector512.Store(sum, scores);
    }

    /// <summary>Turns a block's scores into weights relative to the largest so far; returns what earlier weights become.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Soften(float* scores, Vector512<float> visible, ref float largest, ref float sum)
    {
        var score = Vector512.ConditionalSelect(visible, Vector512.Load(scores), Vector512.Create(float.NegativeInfinity));
        var next = Math.Max(largest, LargestOf(score));
        var rescale = next > largest ? MathF.Exp(largest - next) : 1;
        var weights = VectorExp.Exp(score - Vector512.Create(next));
        sum = (sum * rescale) + Vector512.Sum(weights);
        largest = next;
        Vector512.Store(weights, scores);
        return rescale;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float LargestOf(Vector512<float> values)
    {
        var half = Vector256.MaxNative(values.GetLower(), values.GetUpper());
        var quarter = Vector128.MaxNative(half.GetLower(), half.GetUpper());
        quarter = Vector128.MaxNative(quarter, Vector128.Shuffle(quarter, Vector128.Create(2, 3, 0, 1)));
        return Math.Max(quarter[0], quarter[1]);
    }

    /// <summary>result = rescale · result + Σ weight · value. Positions that are not visible are left out: they may hold anything.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accumulate(float* values, int headDim, float* weights, int first, int last, float rescale, float* result)
    {
        var i = 0;
        for (; i + 64 <= headDim; i += 64)
        {
            var s0 = Vector512.Load(result + i) * rescale;
            var s1 = Vector512.Load(result + i + 16) * rescale;
            var s2 = Vector512.Load(result + i + 32) * rescale;
            var s3 = Vector512.Load(result + i + 48) * rescale;
            for (var position = first; position <= last; position++)
            {
                var weight = Vector512.Create(weights[position]);
                var value = values + (position * headDim) + i;
                s0 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(value), s0);
                s1 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(value + 16), s1);
                s2 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(value + 32), s2);
                s3 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(value + 48), s3);
            }

            Vector512.Store(s0, result + i);
            Vector512.Store(s1, result + i + 16);
            Vector512.Store(s2, result + i + 32);
            Vector512.Store(s3, result + i + 48);
        }

        for (; i < headDim; i += 16)
        {
            var sum = Vector512.Load(result + i) * rescale;
            for (var position = first; position <= last; position++)
            {
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(weights[position]), Vector512.Load(values + (position * headDim) + i), sum);
            }

            Vector512.Store(sum, result + i);
        }
    }
}
