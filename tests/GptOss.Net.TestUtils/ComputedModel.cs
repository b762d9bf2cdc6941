using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.KVCache;

namespace GptOss.Net.TestUtils;

/// <summary>The small model <c>a</c> on real kernels behind a real engine: 4 layers, both kinds, a window of one block.</summary>
internal sealed class ComputedModel : IDisposable
{
    public const int VocabularySize = 1_024;

    private static readonly KVCacheCapacity Roomy = new(4_096, 4_096);

    private ComputedModel(GptOssModel model, PagedKVCache cache, CountedSteps steps) => (Model, Cache, Steps) = (model, cache, steps);

    public GptOssModel Model { get; }

    public PagedKVCache Cache { get; }

    public CountedSteps Steps { get; }

    /// <summary>
    /// By default on the CPU's executor; steps run ahead of what the host has read as far as told, or as the executor does.
    /// </summary>
    public static ComputedModel Create(
        KVCacheCapacity? capacity = null,
        int maxSequences = 64,
        int maxStepTokens = 512,
        bool cachesPrefixes = true,
        CpuExecutorOptions? options = null,
        int maxModelLength = 512,
        int? stepsAhead = 0,
        Func<ModelFixture, KVCacheCapacity, IModelExecutor>? load = null)
    {
        using var fixture = new ModelFixture("a");
        var blocks = capacity ?? Roomy;
        var executor = load is null ? LoadCpu(fixture, blocks, options ?? CpuExecutorOptions.Fast) : load(fixture, blocks);
        var steps = new CountedSteps(load is null && stepsAhead > 0 ? new AheadExecutor(executor, stepsAhead.Value) : executor, stepsAhead);
        var cache = new PagedKVCache(blocks, fixture.Config.SlidingWindow);
        var model = ScriptedModel.Create(
            steps, maxModelLength, maxSequences, maxStepTokens, cache, vocabularySize: VocabularySize, cachesPrefixes: cachesPrefixes);
        return new ComputedModel(model, cache, steps);
    }

    /// <summary>A model that computes one sequence after the other, each from its first token, and no step ahead.</summary>
    public static ComputedModel CreateAlone(
        CpuExecutorOptions? options = null, Func<ModelFixture, KVCacheCapacity, IModelExecutor>? load = null) =>
        Create(maxSequences: 1, cachesPrefixes: false, options: options, load: load);

    public Task<ComputedAnswer> Answer(ComputedJob job) => AnswerUntil(job, CancellationToken.None);

    public async Task<ComputedAnswer> AnswerUntil(ComputedJob job, CancellationToken cancellationToken)
    {
        var tokens = new List<GeneratedToken>();
        await foreach (var token in Model.GenerateAsync(job.Prompt, job.Sampling, cancellationToken: cancellationToken))
        {
            tokens.Add(token);
        }

        return ComputedAnswer.Of(tokens);
    }

    /// <summary>All jobs at once.</summary>
    public Task<ComputedAnswer[]> Answers(IEnumerable<ComputedJob> jobs) => Task.WhenAll(jobs.Select(Answer));

    public void Dispose() => Model.Dispose();

    private static CpuExecutor LoadCpu(ModelFixture fixture, KVCacheCapacity blocks, CpuExecutorOptions options) => CpuExecutor.Load(
        fixture.Config,
        fixture.Weights,
        blocks,
        options with { Threads = 1 },
        new WeightReadProgress(0, (_, _) => { }, CancellationToken.None));
}
