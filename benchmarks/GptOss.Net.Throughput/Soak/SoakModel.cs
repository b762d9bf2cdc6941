using GptOss.Net.KVCache;
using GptOss.Net.StructuredOutput;
using GptOss.Net.TestUtils;

namespace GptOss.Net.Throughput.Soak;

/// <summary>A <see cref="GptOssModel"/> whose logits come from a script. Its cache is small, so that sequences have to give way.</summary>
internal static class SoakModel
{
    private const int VocabularySize = 201_088;
    private const int MaxSequences = 16;
    private const long MaskBytes = 4 << 20; // full long before the warm-up ends: what grows later is no cache

    private static readonly KVCacheCapacity Capacity = new(FullBlocks: 160, SlidingBlocks: 320);

    public static GptOssModel Create(TimeSpan stepTime) => ScriptedModel.Create(
        new SoakExecutor(VocabularySize, MaxSequences, stepTime),
        maxModelLength: 1_000,
        maxSequences: MaxSequences,
        maxStepTokens: 128,
        cache: new PagedKVCache(Capacity, ScriptedModel.SlidingWindow),
        vocabularySize: VocabularySize,
        maxRequests: 32,
        masks: new Lazy<TokenMaskCache>(() => new TokenMaskCache(TokenTrie.Create(ScriptedModel.Tokenizer), MaskBytes)));
}
