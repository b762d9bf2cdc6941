using DemoModel;
using GptOss.Net.Checkpoint;
using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.Chat;

/// <summary>The demonstration model with noise on its logits: it tries everything that it is let to.</summary>
internal sealed class ShakenDemoChat : IDisposable
{
    /// <summary>How many turns are computed together.</summary>
    public const int Concurrency = 64;

    private const int MaxModelLength = 4_096;
    private static readonly KVCacheCapacity Capacity = new(8_192, 8_192); // blocks

    // Beside other tests, threads that wait for each other would mostly wait.
    private static readonly CpuExecutorOptions Options = CpuExecutorOptions.Fast with { Threads = LongTests.Enabled ? null : 1 };

    private ShakenDemoChat(GptOssModel model) => Model = model;

    public GptOssModel Model { get; }

    public static async Task<ShakenDemoChat> LoadAsync()
    {
        using var directory = new TemporaryDirectory();
        using var checkpoint =
            SafetensorsCheckpoint.Open(await DemoCheckpoint.ExtractAsync(directory.File("nano"), TestContext.Current.CancellationToken));
        var config = ModelConfigReader.Read(checkpoint.ConfigPath);
        var progress = new WeightReadProgress(0, (_, _) => { }, CancellationToken.None);
        var executor = CpuExecutor.Load(config, ModelWeightsReader.Read(config, checkpoint), Capacity, Options, progress);
        return new ShakenDemoChat(ScriptedModel.Create(
            new ShakenExecutor(executor),
            MaxModelLength,
            Concurrency,
            maxStepTokens: MaxModelLength,
            new PagedKVCache(Capacity, config.SlidingWindow),
            vocabularySize: config.VocabularySize));
    }

    /// <summary>Asks for some turns, as many at once as are computed together.</summary>
    public static Task Ask(int turns, Func<int, CancellationToken, Task> ask) => Parallel.ForAsync(
        0,
        turns,
        new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = TestContext.Current.CancellationToken },
        async (turn, cancellationToken) => await ask(turn, cancellationToken));

    public void Dispose() => Model.Dispose();
}
