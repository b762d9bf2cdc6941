namespace GptOss.Net.Scheduling;

/// <summary>How much of the prompts was in the cache already.</summary>
/// <param name="PromptTokens">Tokens of all prompts that began to run.</param>
/// <param name="CachedTokens">Those of them that did not have to be computed.</param>
internal readonly record struct PrefixCounts(long PromptTokens, long CachedTokens)
{
    public PrefixCounts With(int promptTokens, int cachedTokens) => new(PromptTokens + promptTokens, CachedTokens + cachedTokens);
}
