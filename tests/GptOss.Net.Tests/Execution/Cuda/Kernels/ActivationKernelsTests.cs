using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Execution.Cuda.Kernels;

public sealed class ActivationKernelsTests
{
    private const int Tokens = 3;

    private static readonly CudaShape Shape = KernelBench.Odd;

    public static TheoryData<uint> TurnOrders => KernelBench.TurnOrders;

    [Theory]
    [MemberData(nameof(TurnOrders))]
    public void An_embedding_is_that_of_the_token_or_of_what_the_step_before_chose(uint turnOrder)
    {
        using var bench = new KernelBench(turnOrder, ActivationKernels.Sources(Shape));
        var hidden = Shape.Config.HiddenSize;
        var table = KernelBench.RandomBf16(new Random(4), 9 * hidden);
        var residual = bench.Allocate<float>(Tokens * Shape.Hidden);

        new ActivationKernels(bench.Kernels, Shape).Embed(
            bench.Stream, new(residual, bench.Upload(table), bench.Upload([8, ~1, ~2]), bench.Upload([5, 7, -1]), 9), Tokens);

        var rows = bench.Download<float>(residual, Tokens * Shape.Hidden).Chunk(Shape.Hidden).ToArray();
        foreach (var (row, token) in rows.Zip([8, 7, 0]))
        {
            row.Take(hidden).Should().Equal(KernelBench.ToFloats(table[(token * hidden)..((token + 1) * hidden)]));
            row.Skip(hidden).Should().AllBeEquivalentTo(0f);
        }
    }

    [Theory]
    [MemberData(nameof(TurnOrders))]
    public void Rows_are_added_and_normalized(uint turnOrder)
    {
        using var bench = new KernelBench(turnOrder, ActivationKernels.Sources(Shape));
        var (random, hidden, parts) = (new Random(5), Shape.Config.HiddenSize, Shape.TopK);
        var residual = Padded(KernelBench.RandomFloats(random, Tokens * hidden), hidden);
        var add = Padded(KernelBench.RandomFloats(random, Tokens * parts * hidden), hidden);
        var gain = Padded(KernelBench.RandomBf16(random, hidden, 0.1, 1), hidden);
        var (own, normed) = (bench.Upload(residual), bench.Allocate<ushort>(Tokens * Shape.Hidden));
        var kernels = new ActivationKernels(bench.Kernels, Shape);

        kernels.CombineNorm(bench.Stream, new(own, normed, bench.Upload(add), bench.Upload(gain), 0, parts, ForExperts: 1), Tokens);

        var sums = residual.Select((value, i) => value + Enumerable.Range(0, parts)
            .Sum(part => (double)add[(((i / Shape.Hidden * parts) + part) * Shape.Hidden) + (i % Shape.Hidden)])).ToArray();
        var expected = sums.Chunk(Shape.Hidden).SelectMany(row =>
        {
            var scale = 1 / Math.Sqrt((row.Sum(value => value * value) / hidden) + Shape.Config.RmsNormEpsilon);
            return row.Select((value, i) => value * scale * Bf16Format.ToSingle(gain[i]));
        }).ToArray();
        KernelBench.Error(bench.Download<float>(own, sums.Length), sums).Should().BeLessThan(1e-6);
        var got = KernelBench.ToFloats(bench.Download<ushort>(normed, sums.Length));
        KernelBench.Error(got.Select((_, i) => got[(i / Shape.Hidden * Shape.Hidden) + KernelBench.P64(i % Shape.Hidden)]), expected)
            .Should().BeLessThan(3e-3);

        // Some rows only, and nothing to add.
        kernels.CombineNorm(bench.Stream, new(own, normed, 0, bench.Upload(gain), bench.Upload([2, 0]), 0, ForExperts: 0), 2);
        KernelBench.Error(
            KernelBench.ToFloats(bench.Download<ushort>(normed, 2 * Shape.Hidden)),
            expected[(2 * Shape.Hidden)..].Concat(expected[..Shape.Hidden])).Should().BeLessThan(3e-3);
    }

    [Theory]
    [MemberData(nameof(TurnOrders))]
    public void Queries_are_rotated_in_place_and_keys_into_the_cache(uint turnOrder)
    {
        using var bench = new KernelBench(turnOrder, ActivationKernels.Sources(Shape));
        var random = new Random(6);
        var qkv = KernelBench.RandomBf16(random, Tokens * Shape.QkvWidth);
        var angles = Enumerable.Range(0, 8 * 32).Select(_ => random.NextDouble() * 6).ToArray();
        int[] positions = [5, 0, 7], slots = [(3 * 16) + 5, -1, 9];
        var cacheSize = 4 * Shape.KVHeads * 16 * 64;
        var untouched = Enumerable.Repeat(KernelBench.Bf16NaN, cacheSize).ToArray();
        var (own, keys, values) = (bench.Upload(qkv), bench.Upload(untouched), bench.Upload(untouched));
        var rotation = angles.SelectMany(angle => (float[])[(float)Math.Cos(angle), (float)Math.Sin(angle)]).ToArray();

        new ActivationKernels(bench.Kernels, Shape).RopeAndStore(
            bench.Stream, new(own, keys, values, bench.Upload(rotation), bench.Upload(positions), bench.Upload(slots)), Tokens);

        var (rotated, keyCache, valueCache) =
            (bench.Download<ushort>(own, qkv.Length), bench.Download<ushort>(keys, cacheSize), bench.Download<ushort>(values, cacheSize));
        for (var token = 0; token < Tokens; token++)
        {
            for (var head = 0; head < Shape.QueryHeads + (2 * Shape.KVHeads); head++)
            {
                var at = (token * Shape.QkvWidth) + (head * 64);
                var source = KernelBench.ToFloats(qkv.AsSpan(at, 64).ToArray());
                var isValue = head >= Shape.QueryHeads + Shape.KVHeads;
                var expected = isValue
                    ? source.Select(value => (double)value).ToArray()
                    : Rotate(source, angles.AsSpan(positions[token] * 32, 32));
                var inCache =
                    (((slots[token] / 16 * Shape.KVHeads) + ((head - Shape.QueryHeads) % Shape.KVHeads)) * 16 + (slots[token] % 16)) * 64;
                if (head < Shape.QueryHeads || slots[token] >= 0)
                {
                    var got = head < Shape.QueryHeads ? rotated.AsSpan(at, 64) : (isValue ? valueCache : keyCache).AsSpan(inCache, 64);
                    KernelBench.Error(KernelBench.ToFloats(got.ToArray()), expected).Should().BeLessThan(3e-3);
                }
            }
        }

        keyCache.Count(value => value != KernelBench.Bf16NaN).Should().Be(2 * Shape.KVHeads * 64);
    }

    [Fact]
    public void Blocks_are_copied_whole()
    {
        using var bench = new KernelBench(0, ActivationKernels.Sources(Shape));
        var (random, size) = (new Random(7), Shape.KVHeads * 16 * 64);
        var (keys, values) = (KernelBench.RandomBf16(random, 4 * size), KernelBench.RandomBf16(random, 4 * size));
        var (ownKeys, ownValues) = (bench.Upload(keys), bench.Upload(values));

        new ActivationKernels(bench.Kernels, Shape).CopyBlocks(
            bench.Stream, new(ownKeys, ownValues, bench.Upload([0, 3, 2, 1])), copies: 2);

        foreach (var (got, source) in (((nint, ushort[])[])[(ownKeys, keys), (ownValues, values)]))
        {
            bench.Download<ushort>(got, 4 * size).Should()
                .Equal(((int[])[0, 2, 2, 0]).SelectMany(block => source.Skip(block * size).Take(size)));
        }
    }

    private static double[] Rotate(float[] x, ReadOnlySpan<double> angles)
    {
        var result = new double[64];
        for (var d = 0; d < 32; d++)
        {
            var (cos, sin) = ((float)Math.Cos(angles[d]), (float)Math.Sin(angles[d]));
            result[d] = (x[d] * cos) - (x[d + 32] * sin);
            result[d + 32] = (x[d + 32] * cos) + (x[d] * sin);
        }

        return result;
    }

    private static T[] Padded<T>(T[] values, int width) =>
        [.. values.Chunk(width).SelectMany(row => row.Concat(new T[Shape.Hidden - width]))];
}
