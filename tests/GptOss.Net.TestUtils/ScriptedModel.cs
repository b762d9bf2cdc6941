using System.Diagnostics.Metrics;
using GptOss.Net.Checkpoint;
using GptOss.Net.Engine;
using GptOss.Net.Execution;
using GptOss.Net.Harmony;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Scheduling;
using GptOss.Net.StructuredOutput;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GptOss.Net.TestUtils;

/// <summary>A <see cref="GptOssModel"/> whose logits come from a script; everything else is real.</summary>
internal static class ScriptedModel
{
    public const int VocabularySize = 1_024;
    public const int SlidingWindow = 16;

    public static HarmonyTokenizer Tokenizer { get; } = HarmonyTokenizer.Create();

    public static Lazy<TokenMaskCache> Masks { get; } = new(() => new TokenMaskCache(TokenTrie.Create(Tokenizer)));

    public static GptOssModel Create(
        IModelExecutor executor,
        int maxModelLength = 1_000,
        int maxSequences = 8,
        int maxStepTokens = 64,
        PagedKVCache? cache = null,
        ILogger? logger = null,
        int vocabularySize = VocabularySize,
        TimeProvider? timeProvider = null,
        int maxRequests = int.MaxValue,
        bool cachesPrefixes = true,
        string name = "scripted",
        IMeterFactory? meterFactory = null,
        Lazy<TokenMaskCache>? masks = null,
        ReasoningProtection? reasoningProtection = null,
        ILoggerFactory? loggerFactory = null)
    {
        var capacity = new KVCacheCapacity(4_096, 4_096);
        var options = new SchedulerOptions(maxSequences, maxStepTokens)
        {
            MaxStepsInFlight = executor.MaxStepsInFlight,
            MaxStepsAhead = executor.MaxStepsAhead,
            CachesPrefixes = cachesPrefixes,
        };
        var scheduler = new Scheduler(cache ?? new PagedKVCache(capacity, SlidingWindow), options);
        var engine = new EngineOptions(maxRequests, timeProvider ?? TimeProvider.System, logger ?? NullLogger.Instance)
        {
            ModelName = name,
            MeterFactory = meterFactory,
        };
        var loop = new EngineLoop(scheduler, executor, engine);
        var placement = new PlacementPlan
        {
            Stages = [],
            Devices = [],
            EmbeddingDevice = DeviceId.Cpu,
            UnembeddingDevice = DeviceId.Cpu,
            MaxConcurrentSequences = maxSequences,
            MaxSequences = maxSequences,
            MaxModelLength = maxModelLength,
        };
        var config = ModelConfigReader.Read(Path.Combine(Fixtures.ModelDirectory("a"), "config.json"))
            with
        {
            VocabularySize = vocabularySize,
        };
        var model = new LoadedModel(config, placement, capacity, maxModelLength, loop);
        return new GptOssModel(
            model,
            Tokenizer,
            new GptOssModelOptions
            {
                TimeProvider = timeProvider ?? TimeProvider.System,
                LoggerFactory = loggerFactory ?? NullLoggerFactory.Instance,
                ReasoningProtection = reasoningProtection ?? ReasoningProtection.OfThisProcess,
            },
            name,
            masks ?? Masks)
        {
            Aliases = ModelName.AliasesOf("openai/gpt-oss-20b"),
        };
    }
}
