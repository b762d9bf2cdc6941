using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Tests.Execution.Cuda.Kernels;

/// <summary>
/// The kernels for one or two sequences do what those for many do, to the last bit; those are tested against plain arithmetic.
/// </summary>
public sealed class LayeredKernelsTests
{
    private static readonly int[][] Lengths = [[1], [77], [530], [530, 77], [3, 3]];

    public static TheoryData<uint> TurnOrders => KernelBench.TurnOrders;

    [Theory]
    [MemberData(nameof(TurnOrders))]
    public void Both_families_have_the_same_bits(uint turnOrder) =>
        Compare(turnOrder, KernelBench.Odd, KernelBench.Ampere, DenseFormat.Bf16, DenseFormat.Int8, ExpertFormat.Mxfp4);

    [Theory]
    [InlineData(DenseFormat.Int8, ExpertFormat.Bf16)]
    [InlineData(DenseFormat.Int4, ExpertFormat.Int4)]
    internal void Both_families_have_the_same_bits_in_every_format(DenseFormat attention, ExpertFormat experts) =>
        Compare(7, KernelBench.Narrow, KernelBench.Ampere, attention, DenseFormat.Bf16, experts);

    [Fact]
    public void Rings_that_a_small_shared_memory_cuts_give_the_same_bits() =>
        Compare(7, KernelBench.Odd, KernelBench.Ada, DenseFormat.Bf16, DenseFormat.Int8, ExpertFormat.Mxfp4);

    [Fact]
    public void A_sequence_has_the_same_bits_alone_and_beside_another()
    {
        using var model = new TwoFamilies(7, KernelBench.Odd, KernelBench.Ampere, DenseFormat.Bf16, DenseFormat.Int8, ExpertFormat.Mxfp4);

        var (alone, both) = (model.Run(layered: true, [1]), model.Run(layered: true, [1, 1]));

        both.Logits.Take(alone.Logits.Length).Should().Equal(alone.Logits);
    }

    private static void Compare(
        uint turnOrder, CudaShape shape, CudaProperties device, DenseFormat attention, DenseFormat head, ExpertFormat experts)
    {
        using var model = new TwoFamilies(turnOrder, shape, device, attention, head, experts);
        foreach (var lengths in Lengths)
        {
            var (many, few) = (model.Run(layered: false, lengths), model.Run(layered: true, lengths));

            few.Logits.Should().OnlyContain(logit => float.IsFinite(logit));
            few.Residual.Should().Equal(many.Residual);
            few.Logits.Should().Equal(many.Logits);
            few.Caches.Zip(many.Caches).Should().OnlyContain(pair => pair.First.SequenceEqual(pair.Second));
        }
    }
}
