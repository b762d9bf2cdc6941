using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop.Cuda;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Execution.Cuda.Kernels;

/// <summary>
/// Dense matrices in every format, through every tile, against plain arithmetic; and the same bits for any number of tokens.
/// </summary>
public sealed class DenseKernelsTests
{
    private const int Rows = 72; // strips, but not whole tiles
    private const int K = 192;

    // Each reaches another tile of some table.
    private static readonly int[] TokenCounts = [1, 9, 17, 40, 70, 130, 260];

    public static TheoryData<uint> TurnOrders => KernelBench.TurnOrders;

    [Theory]
    [MemberData(nameof(TurnOrders))]
    public void Every_format_multiplies_as_plain_arithmetic_does_with_bits_that_do_not_depend_on_the_number_of_tokens(uint turnOrder)
    {
        foreach (var device in (CudaProperties[])[KernelBench.Ampere, KernelBench.Hopper])
        {
            foreach (var format in Enum.GetValues<DenseFormat>())
            {
                Check(turnOrder, device, format);
            }
        }
    }

    [Fact]
    public void Every_device_has_a_tile_for_any_number_of_tokens_that_fits_its_shared_memory()
    {
        foreach (var device in (CudaProperties[])[KernelBench.Ampere, KernelBench.Ada, KernelBench.Hopper])
        {
            foreach (var (job, format) in Enum.GetValues<DenseJob>()
                .SelectMany(job => Enum.GetValues<DenseFormat>().Select(format => (job, format))))
            {
                var tiles = DenseKernels.Tiles(job, device, format);
                tiles[^1].MaxTokens.Should().Be(int.MaxValue);
                tiles.Should().OnlyContain(tile =>
                    tile.SharedBytes(DenseWeights.ChunkBytes(format) / 8, 0) <= device.SharedBytesPerBlock
                        && (!tile.Wgmma || device.IsHopper));
            }
        }
    }

    [Theory]
    [InlineData(5120, 2048, 256)] // blocks: two rounds of 132 multiprocessors, where blocks of 128 x 256 take three
    [InlineData(2560, 2048, 128)] // one, instead of two
    [InlineData(2560, 1024, 112)]
    public void Of_the_tiles_for_any_number_of_tokens_the_fastest_is_taken(int rows, int tokens, int blocks)
    {
        var tiles = DenseKernels.Tiles(DenseJob.Qkv, KernelBench.Hopper, DenseFormat.Bf16);

        var tile = GemmTile.For(tiles, tokens, rows, KernelBench.Hopper.Multiprocessors);

        (((rows + tile.Rows - 1) / tile.Rows) * ((tokens + tile.Tokens - 1) / tile.Tokens)).Should().Be(blocks);
    }

    [Fact]
    public void Cards_that_share_the_rows_have_tiles_of_their_own()
    {
        int Tokens(int parts) => GemmTile.For(DenseKernels.Tiles(DenseJob.Qkv, KernelBench.Hopper, DenseFormat.Bf16, parts), 64).Tokens;

        Tokens(1).Should().Be(64);
        Tokens(2).Should().Be(32, "half of the rows leave most multiprocessors without a block of 64 tokens");
    }

    private static void Check(uint turnOrder, CudaProperties device, DenseFormat format)
    {
        var shape = KernelBench.Narrow;
        using var bench = new KernelBench(
            turnOrder, [.. PackKernels.Sources(shape), .. DenseKernels.Sources(shape, device, format, format)]);
        var kernels = new DenseKernels(bench.Kernels, device);
        var random = new Random(1);
        var (weights, values) = Pack(bench, format, random);
        var x = KernelBench.RandomBf16(random, TokenCounts.Max() * K);
        var bias = KernelBench.RandomBf16(random, Rows);
        foreach (var job in Enum.GetValues<DenseJob>())
        {
            float[]? first = null;
            var packed = weights with { Bias = job == DenseJob.Head ? 0 : bench.Upload(bias) };
            foreach (var tokens in TokenCounts)
            {
                var result = bench.Allocate<float>(tokens * Rows);
                kernels.Multiply(bench.Stream, job, packed, result, bench.Upload<ushort>(x.AsSpan(0, tokens * K)), tokens);
                var got = job == DenseJob.Qkv
                    ? KernelBench.ToFloats(bench.Download<ushort>(result, tokens * Rows))
                    : bench.Download<float>(result, tokens * Rows);

                KernelBench.Error(got, Expected(values, x, job == DenseJob.Head ? null : bias, tokens)).Should()
                    .BeLessThan(job == DenseJob.Qkv ? 3e-3 : 2e-6, "{0} {1} {2} on {3}", job, format, tokens, device.Architecture);
                first ??= got;
                got.Take(Rows).Should().Equal(first.Take(Rows), "{0} {1} {2} on {3}", job, format, tokens, device.Architecture);
            }
        }
    }

    /// <summary>A random matrix on the device, and the values that its format has of it.</summary>
    private static (DenseWeights Weights, float[] Values) Pack(KernelBench bench, DenseFormat format, Random random)
    {
        var strips = bench.Allocate<byte>(DenseWeights.Bytes(format, Rows, K));
        var scales = bench.Allocate<float>(Rows);
        var pack = new PackKernels(bench.Kernels);
        var source = KernelBench.RandomBf16(random, Rows * K, scale: 0.05);
        var values = KernelBench.ToFloats(source);
        if (format == DenseFormat.Int4)
        {
            var (words, zeros, halves) = (new int[K * Rows / 8], new int[K / 32 * Rows / 8], new Half[K / 32 * Rows]);
            AwqFormat.Encode(Transposed(values), Rows, 32, words, zeros, halves);
            AwqFormat.DecodeRows(new AwqMatrix(words, zeros, halves, K, Rows, 32), values);
            values = [.. values.Select(value => KernelBench.Round(value))];
            pack.Strips(
                bench.Stream, format, SourceFormat.Awq, PackKernels.Parameters.Whole(strips, bench.Upload(words), Rows, K, Rows, K) with
                {
                    Zeros = bench.Upload(zeros),
                    Scales = bench.Upload(halves),
                    GroupSize = 32,
                });
        }
        else
        {
            pack.Strips(
                bench.Stream,
                format,
                SourceFormat.Bf16,
                PackKernels.Parameters.Whole(strips, bench.Upload(source), Rows, K, Rows, K) with { ScalesTo = scales });
        }

        return (new DenseWeights(format, strips, scales, 0, Rows, K), format == DenseFormat.Int8 ? Int8(values) : values);
    }

    private static float[] Int8(float[] values) => [.. values.Chunk(K).SelectMany(row =>
    {
        var scale = row.Max(MathF.Abs) / 127;
        var inverse = 1 / scale;
        return row.Select(value => MathF.Sign(value) * MathF.Floor((MathF.Abs(value) * inverse) + 0.5f) * scale);
    })];

    private static float[] Transposed(float[] values) =>
        [.. Enumerable.Range(0, K * Rows).Select(i => values[(i % Rows * K) + (i / Rows)])];

    private static IEnumerable<double> Expected(float[] weights, ushort[] x, ushort[]? bias, int tokens)
    {
        for (var i = 0; i < tokens * Rows; i++)
        {
            var (token, row) = (i / Rows, i % Rows);
            var sum = bias is null ? 0 : (double)Bf16Format.ToSingle(bias[row]);
            for (var k = 0; k < K; k++)
            {
                sum += (double)weights[(row * K) + k] * Bf16Format.ToSingle(x[(token * K) + k]);
            }

            yield return sum;
        }
    }
}
