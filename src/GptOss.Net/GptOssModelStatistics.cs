namespace GptOss.Net;

/// <summary>What a model does and has done since it was loaded, at one moment. Immutable.</summary>
/// <remarks>
/// Each answer to a prompt counts as a request. The numbers come from a running engine: each is right by itself, two of them may be a
/// step apart.
/// </remarks>
public sealed record GptOssModelStatistics
{
    internal GptOssModelStatistics()
    {
    }

    /// <summary>Gets how many requests are computed now.</summary>
    public required int RunningRequests { get; init; }

    /// <summary>Gets how many requests wait now.</summary>
    public required int WaitingRequests { get; init; }

    /// <summary>Gets how many requests came to their end.</summary>
    public required long FinishedRequests { get; init; }

    /// <summary>Gets how many of <see cref="FinishedRequests"/> ended because they may not have more tokens.</summary>
    public required long LengthLimitedRequests { get; init; }

    /// <summary>Gets how many requests were cancelled or left by their reader.</summary>
    public required long CancelledRequests { get; init; }

    /// <summary>Gets how many requests failed, those that ran out of time included.</summary>
    public required long FailedRequests { get; init; }

    /// <summary>Gets how many requests were refused with a <see cref="GptOssBusyException"/>.</summary>
    public required long RefusedRequests { get; init; }

    /// <summary>Gets how often a request had to give up its place in the cache and was computed again later.</summary>
    public required long Preemptions { get; init; }

    /// <summary>Gets the tokens of all prompts that began to run; a prompt with several answers counts once.</summary>
    public required long PromptTokens { get; init; }

    /// <summary>Gets those of the <see cref="PromptTokens"/> that were in the cache already.</summary>
    public required long CachedPromptTokens { get; init; }

    /// <summary>Gets the tokens that were generated.</summary>
    public required long GeneratedTokens { get; init; }

    /// <summary>Gets how many tokens of prompts were computed a second, over the last ten seconds.</summary>
    public required double PromptTokensPerSecond { get; init; }

    /// <summary>Gets how many tokens were generated a second, over the last ten seconds.</summary>
    public required double GeneratedTokensPerSecond { get; init; }

    /// <summary>Gets how many blocks of 16 tokens the layers with full attention use now. Every device has the same blocks.</summary>
    public required int FullBlocksUsed { get; init; }

    /// <summary>Gets how many blocks the layers with full attention have.</summary>
    public required int FullBlockCount { get; init; }

    /// <summary>Gets how many blocks of 16 tokens the layers with a sliding window use now.</summary>
    public required int SlidingBlocksUsed { get; init; }

    /// <summary>Gets how many blocks the layers with a sliding window have.</summary>
    public required int SlidingBlockCount { get; init; }

    /// <summary>Gets the time from a request to its first token.</summary>
    public required LatencyStatistics TimeToFirstToken { get; init; }

    /// <summary>Gets the time from one token of a request to its next.</summary>
    public required LatencyStatistics TimeBetweenTokens { get; init; }

    /// <summary>Gets the time from a request to its first step.</summary>
    public required LatencyStatistics QueueTime { get; init; }

    /// <summary>Gets the time from a request to its last token, of finished requests.</summary>
    public required LatencyStatistics RequestDuration { get; init; }

    /// <summary>Gets which part of the prompts' tokens was in the cache already, 0 to 1.</summary>
    public double PrefixHitRate => PromptTokens == 0 ? 0 : (double)CachedPromptTokens / PromptTokens;
}
