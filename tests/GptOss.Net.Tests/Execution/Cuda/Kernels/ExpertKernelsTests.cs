using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Tests.Execution.Cuda.Kernels;

/// <summary>
/// Routing and experts in every format, through every tile, against plain arithmetic; and the same bits for any number of tokens.
/// </summary>
public sealed class ExpertKernelsTests
{
    // Average pairs of an expert that reach every tile of the tables: 8, 16, 64 and 128 tokens.
    private static readonly int[] TokenCounts = [1, 3, 8, 25, 150];

    public static TheoryData<uint> TurnOrders => KernelBench.TurnOrders;

    [Theory]
    [MemberData(nameof(TurnOrders))]
    public void Experts_compute_as_plain_arithmetic_does_with_bits_that_do_not_depend_on_the_number_of_tokens(uint turnOrder)
    {
        foreach (var device in (CudaProperties[])[KernelBench.Ampere, KernelBench.Hopper])
        {
            foreach (var format in Enum.GetValues<ExpertFormat>())
            {
                Check(turnOrder, KernelBench.Odd, device, format);
            }
        }
    }

    [Fact]
    public void The_experts_of_gpt_oss_120b_are_routed()
    {
        var shape = KernelBench.Shape(192, 64, heads: 4, kvHeads: 2, headDim: 64, experts: 128, topK: 4, vocabulary: 100);
        Check(turnOrder: 7, shape, KernelBench.Ampere, ExpertFormat.Mxfp4);
    }

    [Fact]
    public void Tokens_that_do_not_live_have_no_pairs()
    {
        var shape = KernelBench.Odd;
        using var model = new ExpertModel(1, shape, KernelBench.Ampere, ExpertFormat.Mxfp4);
        var b = model.Buffers(tokens: 6);

        model.Kernels.Route(model.Bench.Stream, model.Format, model.Router, b, 6, model.Bench.Upload([4]));

        var experts = model.Bench.Download<int>(b.ExpertOfPair, 18);
        experts.Skip(12).Should().AllBeEquivalentTo(-1);
        model.Bench.Download<int>(b.PairAt, 12).Should().Equal(Sorted(experts));
        Enumerable.Range(0, model.Bench.Download<int>(b.TileCount, 1)[0])
            .Sum(tile => model.Bench.Download<int>(b.Tiles, 4 * (tile + 1))[(4 * tile) + 2]).Should().Be(12);
    }

    [Fact]
    public void Values_that_are_not_numbers_choose_experts_that_exist()
    {
        var shape = KernelBench.Odd;
        using var model = new ExpertModel(1, shape, KernelBench.Ampere, ExpertFormat.Mxfp4);
        var x = Enumerable.Repeat(KernelBench.Bf16NaN, shape.Hidden).ToArray();
        var b = model.Buffers(tokens: 1) with { X = model.Bench.Upload(x) };

        model.Kernels.Route(model.Bench.Stream, model.Format, model.Router, b, 1, live: 0);

        model.Bench.Download<int>(b.ExpertOfPair, shape.TopK).Should().Equal(0, 1, 2);
    }

    [Fact]
    public void Every_device_has_tiles_that_fit_and_both_matrices_share_them()
    {
        foreach (var device in (CudaProperties[])[KernelBench.Ampere, KernelBench.Ada, KernelBench.Hopper])
        {
            foreach (var format in Enum.GetValues<ExpertFormat>())
            {
                var (up, down) = (ExpertKernels.Tiles(true, device, format), ExpertKernels.Tiles(false, device, format));
                up.Select(tile => (tile.MaxTokens, tile.Tokens)).Should().Equal(down.Select(tile => (tile.MaxTokens, tile.Tokens)));
                up[^1].MaxTokens.Should().Be(int.MaxValue);
                up.Concat(down).Should().OnlyContain(tile =>
                    tile.SharedBytes(ExpertWeights.ChunkBytes(format) / 16, 4 * tile.Tokens) <= device.SharedBytesPerBlock);
            }
        }
    }

    private static int[] Sorted(int[] experts) =>
        [.. Enumerable.Range(0, experts.Length).Where(pair => experts[pair] >= 0).OrderBy(pair => experts[pair])];

    private static void Check(uint turnOrder, CudaShape shape, CudaProperties device, ExpertFormat format)
    {
        using var model = new ExpertModel(turnOrder, shape, device, format);
        float[]? first = null;
        foreach (var tokens in TokenCounts)
        {
            var because = $"{format}, {tokens} tokens on {device.Architecture}";
            var b = model.Buffers(tokens);
            model.Kernels.Route(model.Bench.Stream, format, model.Router, b, tokens, live: 0);
            model.Kernels.Run(model.Bench.Stream, model.Up, model.Down, b, tokens);

            var experts = model.Bench.Download<int>(b.ExpertOfPair, tokens * shape.TopK);
            var weights = model.Bench.Download<float>(b.WeightOfPair, tokens * shape.TopK);
            model.Bench.Download<int>(b.PairAt, experts.Length).Should().Equal(Sorted(experts), because);
            var y = model.Bench.Download<float>(b.Y, tokens * shape.TopK * shape.Hidden);
            foreach (var token in (int[])[0, tokens - 1])
            {
                var (chosen, share) = model.Choose(token);
                experts.Skip(token * shape.TopK).Take(shape.TopK).Should().Equal(chosen, because);
                KernelBench.Error(weights.Skip(token * shape.TopK).Take(shape.TopK), share).Should().BeLessThan(1e-5, because);
                for (var slot = 0; slot < shape.TopK; slot++)
                {
                    var row = y.AsSpan(((token * shape.TopK) + slot) * shape.Hidden, shape.Hidden).ToArray();
                    KernelBench.Error(row, model.Expert(token, chosen[slot]).Select(value => value * share[slot])).Should()
                        .BeLessThan(3e-3, because);
                    row.Skip(shape.Config.HiddenSize).Should().AllBeEquivalentTo(0f, because);
                }
            }

            first ??= y;
            y.Take(first.Length).Should().Equal(first, because);
        }
    }
}
