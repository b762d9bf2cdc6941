using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Placement;
using GptOss.Net.Tests.Execution.Cuda;

namespace GptOss.Net.Tests.Execution;

/// <summary>A model on cards (emulated) and the CPU, each part on its own kernels.</summary>
public sealed class ExecutorChainTests
{
    private static readonly KVCacheCapacity Capacity = new(64, 64);

    [Theory]
    [InlineData("a", "c cc00 0")]
    [InlineData("a", "0 00cc c")]
    [InlineData("a", "c c01c 0")]
    [InlineData("b", "c 011 1")]
    [InlineData("b", "0 0cc 0")]
    [InlineData("a-awq", "c cc00 0")]
    public void Logits_are_as_near_as_the_official_bfloat16_and_do_not_depend_on_the_batch(string model, string map)
    {
        using var fixture = new ModelFixture(model);
        using var official = new ModelFixture(model[..1]);
        using var chain = Load(fixture, map);
        var cases = fixture.Cases;
        var alone = cases.Select(known => Driver(fixture, chain, 64).Logits(known.InputIds)[0]).ToArray();

        var ours = Error(alone, cases.Select(known => known.Logits));

        ours.Should().BeLessThanOrEqualTo(
            1.5 * Error(official.Cases.Select(known => known.BFloat16Logits!), official.Cases.Select(known => known.Logits)));
        var together = Driver(fixture, chain, 13);
        together.Logits([.. cases.Select(known => known.InputIds)]).Zip(alone, (left, right) => left.AsSpan().SequenceEqual(right))
            .Should().AllBeEquivalentTo(true);
        together.MostStepsInFlight.Should().BeGreaterThan(1, "all are to work at once");
    }

    [Fact]
    public void A_card_that_is_lost_fails_the_step_and_is_named()
    {
        using var fixture = new ModelFixture("a");
        var machine = new EmulatedMachine(2);
        using var chain = Load(fixture, "c cc00 0", machine);
        machine.Devices[0].IsLost = true;
        chain.Begin(new PackedSequence([1, 2, 3], [0], [0]).Step(0, 3));

        chain.Invoking(lost => lost.Complete()).Should().Throw<CudaException>().Which.Device.Should().Be(DeviceId.Cuda(0));
        chain.CanContinue().Should().BeFalse();
    }

    [Fact]
    public void What_was_loaded_is_given_back_when_a_later_part_fails()
    {
        using var fixture = new ModelFixture("a");
        var machine = new EmulatedMachine(2);
        machine.Devices[1].MemoryBytes = 1 << 20;

        var load = () => Load(fixture, "0 0c11 1", machine);

        load.Should().Throw<CudaException>().Which.Device.Should().Be(DeviceId.Cuda(1));
        machine.Devices.Should().OnlyContain(device => device.AllocatedBytes == 0);
    }

    private static IModelExecutor Load(ModelFixture fixture, string map, EmulatedMachine? machine = null)
    {
        EmulatedKernelCompiler.Require();
        var request = new ExecutorRequest(
            fixture.Config,
            fixture.Weights,
            new GptOssModelOptions { Precision = Precision.AsStored, MaxStepTokens = 64, MaxSequences = 16 },
            CudaStagesTests.Plan(map),
            Capacity,
            new WeightReadProgress(fixture.Weights.ByteLength, (_, _) => { }, CancellationToken.None));
        var (cards, cpu) = (new EmulatedBackend(machine ?? new EmulatedMachine(2)), new CpuBackend());
        return ExecutorChain.Create(request, device => device.IsCuda ? cards : cpu);
    }

    private static double Error(IEnumerable<float[]> logits, IEnumerable<float[]> expected) =>
        ModelFixture.RelativeError([.. logits.SelectMany(values => values)], [.. expected.SelectMany(values => values)]);

    private static ExecutorDriver Driver(ModelFixture fixture, IModelExecutor executor, int maxStepTokens) =>
        new(executor, Capacity, fixture.Config.SlidingWindow, maxStepTokens);

    /// <summary>The CUDA kernels on emulated cards.</summary>
    private sealed class EmulatedBackend(EmulatedMachine machine) : IExecutorBackend
    {
        public string Name => "emulated cards";

        public bool TakesParts => true;

        public string? WhyNot(ModelConfig config, ModelWeights weights, IReadOnlyList<DeviceId> devices, Precision precision) => null;

        public int CacheElementBytes(ModelConfig config, Precision precision) => CudaKVStorage.ElementBytes(config);

        public MemoryEstimate Estimate(ModelConfig config, ModelWeights weights, Precision precision, int sharers) =>
            throw new NotSupportedException();

        public WorkspaceEstimate Workspace(ModelConfig config, GptOssModelOptions options, ExecutorSizes sizes, int devices) =>
            throw new NotSupportedException();

        public IModelExecutor Create(ExecutorRequest request) => new CudaExecutorLoader(
            request.Config,
            request.Weights,
            request.Capacity,
            new CudaExecutorOptions(64, 16, 512) { TestsItself = false, Precision = request.Options.Precision },
            request.Progress).Load(
                request.Parts,
                [.. request.Parts.Select(part => part.Device.Index).Distinct().Select(index => machine.Devices[index].Open())],
                _ => new EmulatedKernelCompiler(),
                EmulatedKernelCompiler.Cache);
    }
}
