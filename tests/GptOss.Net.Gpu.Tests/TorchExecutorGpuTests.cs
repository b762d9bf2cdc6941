using GptOss.Net.Execution;
using GptOss.Net.Execution.Torch;
using GptOss.Net.KVCache;
using static TorchSharp.torch;

namespace GptOss.Net.Gpu.Tests;

/// <summary>The reference executor on CUDA against the official implementation.</summary>
public sealed class TorchExecutorGpuTests(ITestOutputHelper output)
{
    private static readonly KVCacheCapacity Capacity = new(64, 64);

    public static TheoryData<string, string> Placements => new()
    {
        { "a", "cuda:0" }, { "b", "cuda:0" }, { "a-awq", "cuda:0" },
        { "a", "cuda:0 cuda:1" }, { "b", "cuda:0 cuda:1" }, { "a-awq", "cuda:0 cuda:1" },
        { "a", "cuda:0 cpu" }, { "b", "cpu cuda:0" },
    };

    [Theory]
    [MemberData(nameof(Placements))]
    public void Float32_logits_and_greedy_tokens_are_the_official_ones(string model, string devices)
    {
        using var fixture = new ModelFixture(model);
        using var executor = Load(fixture, ScalarType.Float32, devices);

        foreach (var expected in fixture.Cases)
        {
            var logits = Driver(fixture, executor).Logits(expected.InputIds)[0];

            var error = ModelFixture.RelativeError(logits, expected.Logits);
            output.WriteLine($"{model} on {devices}, {expected.InputIds.Length} tokens: relative error {error:E2}");
            error.Should().BeLessThan(1e-4);
            if (expected.Greedy.Length > 0)
            {
                Driver(fixture, executor).Greedy(expected.Greedy.Length, expected.InputIds)[0].Should().Equal(expected.Greedy);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Placements))]
    public void Bfloat16_logits_are_as_near_as_the_official_ones(string model, string devices)
    {
        using var fixture = new ModelFixture(model);
        using var executor = Load(fixture, ScalarType.BFloat16, devices);

        foreach (var expected in fixture.Cases.Where(expected => expected.BFloat16Logits is not null))
        {
            var error = ModelFixture.RelativeError(Driver(fixture, executor).Logits(expected.InputIds)[0], expected.Logits);
            var official = ModelFixture.RelativeError(expected.BFloat16Logits, expected.Logits);

            output.WriteLine($"{model} on {devices}, {expected.InputIds.Length} tokens: {error:E2}, official {official:E2}");
            error.Should().BeLessThan(1.5 * official);
        }
    }

    [Theory]
    [InlineData("a", "cuda:0 cuda:1")]
    [InlineData("b", "cuda:0 cuda:1")]
    [InlineData("a", "cuda:0 cuda:0")]
    [InlineData("a", "cuda:0 cpu")]
    public void Steps_in_flight_have_the_same_bits_as_one_after_the_other(string model, string devices)
    {
        using var fixture = new ModelFixture(model);
        using var executor = Load(fixture, ScalarType.Float32, devices);
        using var recording = new RecordingExecutor(executor);
        var driver = Driver(fixture, recording);
        var cases = fixture.Cases.Concat(fixture.Cases).ToArray();

        driver.Greedy(32, [.. cases.Select(expected => expected.InputIds)])
            .Should().BeEquivalentTo(cases.Select(expected => expected.Greedy), options => options.WithStrictOrdering());

        driver.MostStepsInFlight.Should().Be(2);
        foreach (var (batch, logits) in recording.Steps)
        {
            executor.Begin(batch);
            executor.Complete().Logits.Span.SequenceEqual(logits).Should().BeTrue();
        }
    }

    private TorchExecutor Load(ModelFixture fixture, ScalarType type, string devices)
    {
        var ids = devices.Split(' ').Select(DeviceId.Parse).ToArray();
        var gpus = ids.Where(id => id.IsCuda).Select(id => id.Index).Distinct().ToArray();
        Gpu.Require(gpus.Length);
        var before = gpus.Select(Gpu.FreeBytes).ToArray();
        var layers = fixture.Config.LayerCount;
        var placement = new PlacementPlan
        {
            Stages = [.. ids.Select((id, stage) => Stage(id, stage * layers / ids.Length, (stage + 1) * layers / ids.Length))],
            Devices = [],
            EmbeddingDevice = ids[0],
            UnembeddingDevice = ids[^1],
            MaxConcurrentSequences = 1,
            MaxSequences = 1,
            MaxModelLength = 1,
        };
        var progress = new WeightReadProgress(0, (_, _) => { }, CancellationToken.None);
        var executor = new TorchExecutorFactory(fixture.Config, fixture.Weights, Capacity, type, expandsQuantized: false, progress)
            .Create(placement);
        foreach (var (gpu, free) in gpus.Zip(before))
        {
            output.WriteLine($"cuda:{gpu} took {(free - Gpu.FreeBytes(gpu)) / 1048576.0:F1} MiB");
        }

        return executor;
    }

    private static StagePlacement Stage(DeviceId device, int first, int end) => new(device, first, end - first);

    private static ExecutorDriver Driver(ModelFixture fixture, IModelExecutor executor) =>
        new(executor, Capacity, fixture.Config.SlidingWindow, maxStepTokens: 64);
}
