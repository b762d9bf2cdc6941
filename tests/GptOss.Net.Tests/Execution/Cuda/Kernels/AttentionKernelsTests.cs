using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Execution.Cuda.Kernels;

/// <summary>
/// Rotation, the cache and attention against plain arithmetic; prefill, whole or in pieces, and decode give the same bits.
/// </summary>
public sealed class AttentionKernelsTests
{
    private const int Page = 16;

    public static TheoryData<uint> TurnOrders => KernelBench.TurnOrders;

    [Theory]
    [MemberData(nameof(TurnOrders))]
    public void Prefill_and_decode_attend_as_plain_arithmetic_does_and_with_the_same_bits(uint turnOrder)
    {
        foreach (var shape in (CudaShape[])[KernelBench.Odd, KernelBench.Narrow])
        {
            using var bench = new KernelBench(turnOrder, AttentionKernels.Sources(shape));
            foreach (var window in (int[])[AttentionKernels.NoWindow, 128, 7])
            {
                foreach (var (first, count) in ((int, int)[])[(0, 1), (0, 37), (530, 21), (300, 1)])
                {
                    Check(bench, shape, window, first, count);
                    bench.Clear();
                }
            }
        }
    }

    private static void Check(KernelBench bench, CudaShape shape, int window, int first, int count)
    {
        var because = $"group {shape.Group}, window {window}, {count} after {first}";
        var (random, keys) = (new Random(3), first + count);
        var (heads, kvHeads) = (shape.QueryHeads, shape.KVHeads);
        var qkv = KernelBench.RandomBf16(random, count * shape.QkvWidth);
        var cache = new Cache(random, kvHeads, keys);
        var sinks = KernelBench.RandomBf16(random, heads);
        var kernels = new AttentionKernels(bench.Kernels, shape);
        var (keyCache, valueCache) = (bench.Upload(cache.Keys), bench.Upload(cache.Values));

        // The leading blocks that no query sees are gone.
        var gone = window == AttentionKernels.NoWindow ? 0 : Math.Max(0, first - window + 1) / Page;
        var (starts, blocks) = (bench.Upload([-gone]), bench.Upload<int>(cache.Table.AsSpan(gone)));

        var whole = Prefill([(0, count)]);
        var pieces = count > 2 ? Prefill([(0, 1), (1, count - 2), (count - 1, 1)]) : whole;
        var last = Decode();

        pieces.Should().Equal(whole, because);
        last.Should().Equal(whole.Skip((count - 1) * shape.QueryWidth), because);
        KernelBench.Error(KernelBench.ToFloats(whole), Expected(shape, window, first, count, qkv, cache, sinks)).Should()
            .BeLessThan(4e-3, because);

        ushort[] Prefill((int From, int Count)[] parts)
        {
            var output = bench.Allocate<ushort>(count * shape.QueryWidth);
            var most = AttentionKernels.PrefillTokens(shape);
            foreach (var (from, length) in parts)
            {
                var tiles = Enumerable.Range(0, (length + most - 1) / most)
                    .SelectMany(
                        tile => (int[])[0, from + (tile * most), first + from + (tile * most), Math.Min(most, length - (tile * most))])
                    .ToArray();
                kernels.Prefill(
                    bench.Stream,
                    new(output, bench.Upload(qkv), keyCache, valueCache, starts, blocks, bench.Upload(sinks), bench.Upload(tiles), window),
                    tiles.Length / 4);
            }

            return bench.Download<ushort>(output, count * shape.QueryWidth);
        }

        ushort[] Decode()
        {
            var chunks = AttentionKernels.Chunks(keys, window);
            var output = bench.Allocate<ushort>(shape.QueryWidth);
            kernels.Decode(
                bench.Stream,
                new(
                    output,
                    bench.Allocate<byte>(AttentionKernels.PartialBytes(shape, 2, chunks)),
                    bench.Upload<ushort>(qkv.AsSpan((count - 1) * shape.QkvWidth)),
                    keyCache,
                    valueCache,
                    bench.Upload([-gone, 0]),
                    blocks,
                    bench.Upload([keys, 0]), // a second sequence that is none
                    bench.Upload([0, 0]),
                    bench.Upload(sinks),
                    chunks,
                    window),
                sequences: 2,
                chunks);
            return bench.Download<ushort>(output, shape.QueryWidth);
        }
    }

    private static IEnumerable<double> Expected(
        CudaShape shape, int window, int first, int count, ushort[] qkv, Cache cache, ushort[] sinks)
    {
        var scale = 1 / Math.Sqrt(shape.Config.HeadDim);
        for (var row = 0; row < count * shape.QueryHeads; row++)
        {
            var (token, head) = (row / shape.QueryHeads, row % shape.QueryHeads);
            var (position, kvHead) = (first + token, head / shape.Group);
            var from = Math.Max(0, position - window + 1);
            var q = KernelBench.ToFloats(qkv.AsSpan((token * shape.QkvWidth) + (head * 64), 64).ToArray());
            var scores = Enumerable.Range(from, position + 1 - from)
                .Select(key => scale * cache.Key(kvHead, key).Zip(q, (k, value) => (double)k * value).Sum()).ToArray();
            double sink = Bf16Format.ToSingle(sinks[head]);
            var top = Math.Max(sink, scores.Max());
            var total = Math.Exp(sink - top) + scores.Sum(score => Math.Exp(score - top));
            var result = new double[64];
            for (var i = 0; i < scores.Length; i++)
            {
                var (weight, value) = (Math.Exp(scores[i] - top) / total, cache.Value(kvHead, from + i));
                for (var d = 0; d < 64; d++)
                {
                    result[d] += weight * value[d];
                }
            }

            foreach (var value in result)
            {
                yield return value;
            }
        }
    }

    /// <summary>A sequence's keys and values in scattered blocks; everything else is NaN.</summary>
    private sealed class Cache
    {
        private readonly int _kvHeads;

        public Cache(Random random, int kvHeads, int keys)
        {
            _kvHeads = kvHeads;
            var blocks = (keys + Page - 1) / Page;
            Table = [.. Enumerable.Range(0, blocks + 3)];
            random.Shuffle(Table);
            Table = Table[..blocks];
            (Keys, Values) = (Fill(random, keys, 0.7), Fill(random, keys, 1));
        }

        public int[] Table { get; }

        public ushort[] Keys { get; }

        public ushort[] Values { get; }

        public float[] Key(int head, int key) => KernelBench.ToFloats(Keys.AsSpan(Place(head, key), 64).ToArray());

        public float[] Value(int head, int key) => KernelBench.ToFloats(Values.AsSpan(Place(head, key), 64).ToArray());

        private int Place(int head, int key) => ((((Table[key / Page] * _kvHeads) + head) * Page) + (key % Page)) * 64;

        private ushort[] Fill(Random random, int keys, double scale)
        {
            var cache = new ushort[(Table.Length + 3) * _kvHeads * Page * 64];
            Array.Fill(cache, KernelBench.Bf16NaN);
            for (var i = 0; i < keys * _kvHeads; i++)
            {
                KernelBench.RandomBf16(random, 64, scale).CopyTo(cache, Place(i % _kvHeads, i / _kvHeads));
            }

            return cache;
        }
    }
}
