using GptOss.Net.Execution;
using GptOss.Net.Execution.Torch;
using GptOss.Net.KVCache;
using static TorchSharp.torch;

namespace GptOss.Net.Tests.Execution;

/// <summary>Fixtures and executors, each loaded once for all tests of a class.</summary>
public sealed class LoadedExecutors : IDisposable
{
    static LoadedExecutors() => TorchRuntime.EnsureLoaded();

    internal static readonly KVCacheCapacity Capacity = new(64, 64);

    private readonly Dictionary<string, ModelFixture> _fixtures = [];
    private readonly Dictionary<(string Model, bool Float32, int Stages, bool Expands), TorchExecutor> _executors = [];

    public void Dispose()
    {
        foreach (var executor in _executors.Values)
        {
            executor.Dispose();
        }

        foreach (var fixture in _fixtures.Values)
        {
            fixture.Dispose();
        }
    }

    internal ModelFixture Fixture(string model)
    {
        if (!_fixtures.TryGetValue(model, out var fixture))
        {
            _fixtures.Add(model, fixture = new ModelFixture(model));
        }

        return fixture;
    }

    /// <summary>A driver with an empty cache; executors are shared, since they keep nothing between sequences.</summary>
    internal ExecutorDriver Driver(
        string model,
        int maxStepTokens = 512,
        bool float32 = true,
        int stages = 1,
        bool expands = false,
        int fullBlocks = 64)
    {
        var executor = Executor(model, float32, stages, expands);
        return new ExecutorDriver(executor, Capacity with { FullBlocks = fullBlocks }, Fixture(model).Config.SlidingWindow, maxStepTokens);
    }

    internal TorchExecutor Executor(
        string model, bool float32 = true, int stages = 1, bool expands = false)
    {
        if (!_executors.TryGetValue((model, float32, stages, expands), out var executor))
        {
            executor = Load(Fixture(model), float32, stages, expands);
            _executors.Add((model, float32, stages, expands), executor);
        }

        return executor;
    }

    internal static TorchExecutor Load(
        ModelFixture fixture, bool float32 = true, int stages = 1, bool expands = false, KVCacheCapacity? capacity = null)
    {
        var placement = new PlacementPlan
        {
            Stages = Split(fixture.Config.LayerCount, stages),
            Devices = [],
            EmbeddingDevice = DeviceId.Cpu,
            UnembeddingDevice = DeviceId.Cpu,
            MaxConcurrentSequences = 1,
            MaxSequences = 1,
            MaxModelLength = 1,
        };
        var progress = new WeightReadProgress(0, (_, _) => { }, CancellationToken.None);
        return new TorchExecutorFactory(
            fixture.Config, fixture.Weights, capacity ?? Capacity, float32 ? ScalarType.Float32 : ScalarType.BFloat16, expands, progress)
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
}
