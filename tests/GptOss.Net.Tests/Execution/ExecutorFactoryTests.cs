using GptOss.Net.Execution;
using GptOss.Net.Interop;

namespace GptOss.Net.Tests.Execution;

/// <summary>Which backend runs a model, and what is refused before anything is read.</summary>
public sealed class ExecutorFactoryTests
{
    private static readonly DeviceInventory TwoCards = new(
        [new(0, "card", default, new(9, 0), 24L << 30, 23L << 30), new(1, "card", default, new(9, 0), 24L << 30, 23L << 30)], [], 64L << 30,
        32L << 30);

    [Theory]
    [InlineData(Precision.Default, "cpu", "the CPU kernels")]
    [InlineData(Precision.AsStored, "cpu", "the CPU kernels")]
    [InlineData(Precision.Int8Dense, "cpu", "the CPU kernels")]
    [InlineData(Precision.Int4Unembedding, "cpu", "the CPU kernels")]
    [InlineData(Precision.Float32, "cpu", "the CPU kernels")]
    [InlineData(Precision.Reference, "cpu", "the reference")]
    [InlineData(Precision.ReferenceFloat32, "cpu", "the reference")]
    [InlineData(Precision.ExpandedBFloat16, "cpu", "the reference")]
    [InlineData(Precision.Default, "cuda:0", "the CUDA kernels")]
    [InlineData(Precision.AsStored, "cuda:1", "the CUDA kernels")]
    [InlineData(Precision.ExpandedBFloat16, "cuda:1", "the CUDA kernels")]
    [InlineData(Precision.Int8Dense, "cuda:0", "the CUDA kernels")]
    [InlineData(Precision.Int8Unembedding, "cuda:0", "the CUDA kernels")]
    [InlineData(Precision.Reference, "cuda:0", "the reference")]
    [InlineData(Precision.Float32, "cuda:0", "the reference")]
    [InlineData(Precision.Default, "cuda:0 cuda:1", "the CUDA kernels")]
    [InlineData(Precision.ExpandedBFloat16, "cuda:0 cuda:1", "the CUDA kernels")]
    [InlineData(Precision.Default, "cuda:0 cpu", "the CUDA kernels and the CPU kernels")]
    [InlineData(Precision.AsStored, "cpu cuda:0 cuda:1", "the CPU kernels and the CUDA kernels")]
    [InlineData(Precision.ExpandedBFloat16, "cpu cuda:0", "the reference")]
    [InlineData(Precision.Reference, "cuda:0 cpu", "the reference")]
    public void The_first_backend_that_can_runs_the_model(Precision precision, string devices, string expected) =>
        Factory(precision, devices).Backend.Should().Be(expected);

    [Theory]
    [InlineData(Precision.Int8Unembedding, "cuda:0 cpu")]
    [InlineData(Precision.Int4Unembedding, "cuda:0 cuda:1")]
    public void What_no_backend_can_is_refused_with_each_ones_reason(Precision precision, string devices)
    {
        var create = () => Factory(precision, devices);

        create.Should().Throw<PlacementException>()
            .WithMessage(
                $"*Precision.{precision} on cuda:0*CUDA kernels:*CPU kernels: "
                + "they run what lies on the CPU*reference:*Choose another precision*");
    }

    [Fact]
    public void A_shape_without_kernels_is_not_silently_slow_when_a_precision_was_asked_for()
    {
        var create = () => Factory(Precision.AsStored, "cpu", headDim: 40);

        create.Should().Throw<PlacementException>().WithMessage("*multiple of 32*this model's have 40*many times slower*ReferenceFloat32*");
    }

    [Theory]
    [InlineData(Precision.ExpandedBFloat16)]
    [InlineData(Precision.Reference)]
    public void What_a_full_card_leaves_over_goes_to_the_cpu_only_where_kernels_compute_it(Precision precision)
    {
        using var fixture = new ModelFixture("a");
        var options = new GptOssModelOptions { Precision = precision, Placement = new PlacementOptions { CpuLayers = 1 } };

        var create = () => new ExecutorFactory(fixture.Config, fixture.Weights, options, TwoCards);

        create.Should().Throw<PlacementException>();
        new ExecutorFactory(fixture.Config, fixture.Weights, options with { Precision = Precision.Default }, TwoCards).Backend
            .Should().Be("the CPU kernels and the CUDA kernels");
    }

    [Fact]
    public void The_cache_and_the_weights_are_sized_by_the_backend()
    {
        var (exact, expanded) = (Factory(Precision.AsStored, "cpu"), Factory(Precision.ExpandedBFloat16, "cuda:0 cuda:1"));

        var sizes = new ExecutorSizes(Sequences: 4, StepTokens: 64, Length: 512);
        var (onCpu, onCard) = (exact.Demand(DeviceId.Cpu, sizes), expanded.Demand(DeviceId.Cuda(1), sizes));
        onCpu.CacheElementBytes.Should().Be(4);
        onCpu.PackedWeights.Should().BeNull();
        onCard.CacheElementBytes.Should().Be(4, "heads of 32 values are padded to 64 in bfloat16");
        onCard.PackedWeights!.Total.Should().BeLessThan(onCard.Weights.Total);
    }

    private static ExecutorFactory Factory(Precision precision, string devices, int? headDim = null)
    {
        using var fixture = new ModelFixture("a");
        var options = new GptOssModelOptions
        {
            Precision = precision,
            Placement = new PlacementOptions { Devices = [.. devices.Split(' ').Select(DeviceId.Parse)] },
        };
        var config = fixture.Config with { HeadDim = headDim ?? fixture.Config.HeadDim };
        return new ExecutorFactory(config, fixture.Weights, options, TwoCards);
    }
}
