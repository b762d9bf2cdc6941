using GptOss.Net.Execution;
using GptOss.Net.Execution.Torch;
using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.Execution;

/// <summary>The reference executor against the official implementation.</summary>
public sealed class TorchExecutorTests
{
    private static readonly KVCacheCapacity Capacity = new(64, 64);

    [Theory]
    [InlineData("a", 512, 1)]
    [InlineData("a", 1, 1)]
    [InlineData("a", 7, 1)]
    [InlineData("a", 64, 1)]
    [InlineData("a", 64, 2)]
    [InlineData("a", 64, 3)]
    [InlineData("b", 512, 1)]
    [InlineData("b", 1, 1)]
    [InlineData("b", 7, 2)]
    [InlineData("b", 64, 3)]
    [InlineData("a-awq", 512, 1)]
    [InlineData("a-awq", 7, 2)]
    [InlineData("a-awq", 64, 3)]
    [InlineData("a-awq", 1, 1)]
    public void Float32_logits_are_the_official_ones(string model, int maxStepTokens, int stages)
    {
        using var fixture = new ModelFixture(model);
        using var executor = Load(fixture, ComputeType.Float32, stages);

        foreach (var expected in fixture.Cases)
        {
            var logits = Driver(fixture, executor, maxStepTokens).Logits(expected.InputIds)[0];

            ModelFixture.RelativeError(logits, expected.Logits).Should().BeLessThan(1e-4);
        }
    }

    internal static TorchExecutor Load(ModelFixture fixture, ComputeType computeType, int stages)
    {
        var placement = new PlacementPlan
        {
            Stages = Split(fixture.Config.LayerCount, stages),
            Devices = [],
            EmbeddingDevice = DeviceId.Cpu,
            UnembeddingDevice = DeviceId.Cpu,
            MaxSequences = 1,
            MaxModelLength = 1,
        };
        var progress = new WeightReadProgress(0, (_, _) => { }, CancellationToken.None);
        return new TorchExecutorFactory(fixture.Config, fixture.Weights, Capacity, computeType, WeightStorage.Packed, progress)
            .Create(placement);
    }

    private static StagePlacement[] Split(int layers, int stages) =>
    [
        .. Enumerable.Range(0, stages).Select(stage =>
        {
            var (first, end) = (stage * layers / stages, (stage + 1) * layers / stages);
            return new StagePlacement(DeviceId.Cpu, first, end - first);
        }),
    ];

    private static ExecutorDriver Driver(ModelFixture fixture, IModelExecutor executor, int maxStepTokens) =>
        new(executor, Capacity, fixture.Config.SlidingWindow, maxStepTokens);
}
