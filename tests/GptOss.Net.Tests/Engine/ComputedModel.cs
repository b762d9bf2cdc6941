using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.Engine;

/// <summary>The small model <c>a</c> on real kernels behind a real engine: 4 layers, both kinds, a window of one block.</summary>
internal sealed class ComputedModel : IDisposable
{
    public const int VocabularySize = 1_024;

    private static readonly KVCacheCapacity Roomy = new(4_096, 4_096);

    private ComputedModel(GptOssModel model, PagedKVCache cache, CountedSteps steps) => (Model, Cache, Steps) = (model, cache, steps);

    public GptOssModel Model { get; }

    public PagedKVCache Cache { get; }

    public CountedSteps Steps { get; }

    public static ComputedModel Create(
        KVCacheCapacity? capacity = null,
        int maxSequences = 64,
        int maxStepTokens = 512,
        bool cachesPrefixes = true,
        CpuExecutorOptions? options = null,
        int maxModelLength = 512,
        int stepsAhead = 0)
    {
        using var fixture = new ModelFixture("a");
        var blocks = capacity ?? Roomy;
        var executor = CpuExecutor.Load(
            fixture.Config,
            fixture.Weights,
            blocks,
            (options ?? CpuExecutorOptions.Fast) with { Threads = 1 },
            new WeightReadProgress(0, (_, _) => { }, CancellationToken.None));
        var steps = new CountedSteps(stepsAhead == 0 ? executor : new AheadExecutor(executor, stepsAhead));
        var cache = new PagedKVCache(blocks, fixture.Config.SlidingWindow);
        var model = ScriptedModel.Create(
            steps, maxModelLength, maxSequences, maxStepTokens, cache, vocabularySize: VocabularySize, cachesPrefixes: cachesPrefixes);
        return new ComputedModel(model, cache, steps);
    }

    /// <summary>A model that computes one sequence after the other, each from its first token.</summary>
    public static ComputedModel CreateAlone(CpuExecutorOptions? options = null) =>
        Create(maxSequences: 1, cachesPrefixes: false, options: options);

    public Task<ComputedAnswer> Answer(ComputedJob job) => AnswerUntil(job, TestContext.Current.CancellationToken);

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
}
