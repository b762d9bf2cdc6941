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
        var rescales = stackalloc float[group];
        for (var head = 0; head < group; head++)
        {
            (largest[head], sums[head]) = (sinks[head], 1);
        }

        new Span<float>(result, group * shape.HeadDim).Clear();
        var block = Block(firstPosition & -AttentionShape.BlockSize);
        for (var start = firstPosition & -AttentionShape.BlockSize; start <= position; start += AttentionShape.BlockSize)
        {
            var next = start + AttentionShape.BlockSize <= position ? Block(start + AttentionShape.BlockSize) : block;
            var first = Math.Max(firstPosition - start, 0);
            var last = Math.Min(position - start, AttentionShape.BlockSize - 1);
            var lanes = Vector512<int>.Indices;
            var visible =
                Vector512.GreaterThanOrEqual(lanes, Vector512.Create(first)) & Vector512.LessThanOrEqual(lanes, Vector512.Create(last));
            Score(keys + block, shape.HeadDim, queries, group, scores, keys + next, values + next);
            for (var head = 0; head < group; head++)
            {
                rescales[head] = Soften(scores + (head * AttentionShape.BlockSize), visible.AsSingle(), ref largest[head], ref sums[head]);
            }

            Accumulate(values + block, shape.HeadDim, scores, group, first, last, rescales, result);
            block = next;
        }

        for (var head = 0; head < group; head++)
        {
            var inverse = Vector512.Create(1 / sums[head]);
            for (var i = 0; i < shape.HeadDim; i += 16, result += 16)
            {
                Vector512.Store(Vector512.Load(result) * inverse, result);
            }
        }

        // Where the head's part of a position's block begins.
        nint Block(int start) =>
            ((nint)blocks[(start / AttentionShape.BlockSize) - firstBlock] * shape.BlockStride) + (kvHead * shape.HeadBlockSize);
    }

    /// <summary>Eight heads at a time, as many sums as keep the multipliers busy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Score(float* keys, int headDim, float* queries, int group, float* scores, float* nextKeys, float* nextValues)
    {
        var head = 0;
        for (; head + 8 <= group; head += 8)
        {
            Score8(keys, headDim, queries + (head * headDim), scores + (head * AttentionShape.BlockSize), nextKeys, nextValues);
        }

        for (; head < group; head++)
        {
            Score1(keys, headDim, queries + (head * headDim), scores + (head * AttentionShape.BlockSize));
        }
    }

    // Blocks lie anywhere, so that the machine cannot fetch the next one by itself; line by line, it does not hold up this one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Score8(float* keys, int headDim, float* queries, float* scores, float* nextKeys, float* nextValues)
    {
        var (s0, s1, s2, s3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        var (s4, s5, s6, s7) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        for (var i = 0; i < headDim; i++, keys += AttentionShape.BlockSize, queries++)
        {
            Lanes.PrefetchLine(nextKeys + (i * AttentionShape.BlockSize));
            Lanes.PrefetchLine(nextValues + (i * AttentionShape.BlockSize));
            var key = Vector512.Load(keys);
            s0 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[0]), s0);
            s1 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[headDim]), s1);
            s2 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[2 * headDim]), s2);
            s3 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[3 * headDim]), s3);
            s4 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[4 * headDim]), s4);
            s5 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[5 * headDim]), s5);
            s6 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[6 * headDim]), s6);
            s7 = Vector512.FusedMultiplyAdd(key, Vector512.Create(queries[7 * headDim]), s7);
        }

        Vector512.Store(s0, scores);
        Vector512.Store(s1, scores + 16);
        Vector512.Store(s2, scores + 32);
        Vector512.Store(s3, scores + 48);
        Vector512.Store(s4, scores + 64);
        Vector512.Store(s5, scores + 80);
        Vector512.Store(s6, scores + 96);
        Vector512.Store(s7, scores + 112);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Score1(float* keys, int headDim, float* query, float* scores)
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

    /// <summary>
    /// For each head, result = rescale · result + Σ weight · value. Positions that are not visible are left out: they may hold anything.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accumulate(
        float* values, int headDim, float* weights, int group, int first, int last, float* rescales, float* result)
    {
        values += first * headDim;
        weights += first;
        var count = last - first + 1;
        for (var i = 0; i < headDim; i += 16)
        {
            var head = 0;
            for (; head + 8 <= group; head += 8)
            {
                Accumulate8(
                    values + i, headDim, weights + (head * AttentionShape.BlockSize), count, rescales + head,
                    result + (head * headDim) + i);
            }

            for (; head < group; head++)
            {
                Accumulate1(
                    values + i, headDim, weights + (head * AttentionShape.BlockSize), count, rescales[head], result + (head * headDim) + i);
            }
        }
    }

    // 16 values of eight heads.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accumulate8(float* values, int headDim, float* weights, int count, float* rescales, float* result)
    {
        var r1 = result + headDim;
        var r2 = result + (2 * headDim);
        var r3 = result + (3 * headDim);
        var r4 = result + (4 * headDim);
        var r5 = result + (5 * headDim);
        var r6 = result + (6 * headDim);
        var r7 = result + (7 * headDim);
        var s0 = Vector512.Load(result) * rescales[0];
        var s1 = Vector512.Load(r1) * rescales[1];
        var s2 = Vector512.Load(r2) * rescales[2];
        var s3 = Vector512.Load(r3) * rescales[3];
        var s4 = Vector512.Load(r4) * rescales[4];
        var s5 = Vector512.Load(r5) * rescales[5];
        var s6 = Vector512.Load(r6) * rescales[6];
        var s7 = Vector512.Load(r7) * rescales[7];
        for (var position = 0; position < count; position++, values += headDim, weights++)
        {
            var value = Vector512.Load(values);
            s0 = Vector512.FusedMultiplyAdd(value, Vector512.Create(weights[0]), s0);
            s1 = Vector512.FusedMultiplyAdd(value, Vector512.Create(weights[AttentionShape.BlockSize]), s1);
            s2 = Vector512.FusedMultiplyAdd(value, Vector512.Create(weights[2 * AttentionShape.BlockSize]), s2);
            s3 = Vector512.FusedMultiplyAdd(value, Vector512.Create(weights[3 * AttentionShape.BlockSize]), s3);
            s4 = Vector512.FusedMultiplyAdd(value, Vector512.Create(weights[4 * AttentionShape.BlockSize]), s4);
            s5 = Vector512.FusedMultiplyAdd(value, Vector512.Create(weights[5 * AttentionShape.BlockSize]), s5);
            s6 = Vector512.FusedMultiplyAdd(value, Vector512.Create(weights[6 * AttentionShape.BlockSize]), s6);
            s7 = Vector512.FusedMultiplyAdd(value, Vector512.Create(weights[7 * AttentionShape.BlockSize]), s7);
        }

        Vector512.Store(s0, result);
        Vector512.Store(s1, r1);
        Vector512.Store(s2, r2);
        Vector512.Store(s3, r3);
        Vector512.Store(s4, r4);
        Vector512.Store(s5, r5);
        Vector512.Store(s6, r6);
        Vector512.Store(s7, r7);
    }

    // 16 values of one head.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accumulate1(float* values, int headDim, float* weights, int count, float rescale, float* result)
    {
        var sum = Vector512.Load(result) * rescale;
        for (var position = 0; position < count; position++)
        {
            sum = Vector512.FusedMultiplyAdd(Vector512.Load(values + (position * headDim)), Vector512.Create(weights[position]), sum);
        }

        Vector512.Store(sum, result);
    }
}
