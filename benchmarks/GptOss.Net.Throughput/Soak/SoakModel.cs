using DemoModel;
using GptOss.Net.Engine;
using GptOss.Net.Harmony;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Scheduling;
using GptOss.Net.StructuredOutput;
using Microsoft.Extensions.Logging.Abstractions;

namespace GptOss.Net.Throughput.Soak;

/// <summary>A <see cref="GptOssModel"/> whose logits come from a script. Its cache is small, so that sequences have to give way.</summary>
internal static class SoakModel
{
    private const int MaxModelLength = 1_000;
    private const int MaxSequences = 16;
    private const int MaxStepTokens = 128;
    private const int MaxRequests = 32;
    private const int FullBlocks = 160;
    private const int SlidingBlocks = 320;
    private const long MaskBytes = 4 << 20; // full long before the warm-up ends: what grows later is no cache

    public static async Task<GptOssModel> CreateAsync(TimeSpan stepTime)
    {
        var config = ModelConfigReader.Read(Path.Combine(await DemoCheckpoint.ExtractAsync(), "config.json"));
        var capacity = new KVCacheCapacity(FullBlocks, SlidingBlocks);
        var scheduler = new Scheduler(new PagedKVCache(capacity, config.SlidingWindow), new SchedulerOptions(MaxSequences, MaxStepTokens));
        var executor = new ScriptedExecutor(config.VocabularySize, MaxSequences, stepTime);
        var loop = new EngineLoop(scheduler, executor, new EngineOptions(MaxRequests, TimeProvider.System, NullLogger.Instance));
        var placement = new PlacementPlan
        {
            Stages = [],
            Devices = [],
            EmbeddingDevice = DeviceId.Cpu,
            UnembeddingDevice = DeviceId.Cpu,
            MaxSequences = MaxSequences,
            MaxModelLength = MaxModelLength,
        };
        var tokenizer = HarmonyTokenizer.Create();
        return new GptOssModel(
            new LoadedModel(config, placement, capacity, MaxModelLength, loop),
            tokenizer,
            new GptOssModelOptions(),
            "scripted",
            new Lazy<TokenMaskCache>(() => new TokenMaskCache(TokenTrie.Create(tokenizer), MaskBytes)));
    }
}
