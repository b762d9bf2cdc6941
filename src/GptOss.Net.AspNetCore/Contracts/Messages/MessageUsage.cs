namespace GptOss.Net.AspNetCore.Contracts.Messages;

/// <summary>What an answer cost, in tokens; the input without what was in the cache.</summary>
internal sealed record MessageUsage(long InputTokens, long CacheReadInputTokens, long OutputTokens)
{
    public long CacheCreationInputTokens { get; }
}
