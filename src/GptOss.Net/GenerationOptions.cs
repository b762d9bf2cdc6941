using GptOss.Net.Engine.Telemetry;

namespace GptOss.Net;

/// <summary>The place of one generation among others that run at the same time.</summary>
public sealed record GenerationOptions
{
    internal const int MaxPriority = 1_000;
    internal const int MaxCacheSaltLength = 1_000;

    // So that nobody waits for ever: those of lower priority come before all that arrive this much later.
    private const int SecondsPerPriority = 10;

    /// <summary>
    /// Gets how urgent it is, -1,000 to 1,000. Default 0. Each step up counts as 10 seconds of waiting, so that urgent requests go
    /// first and the others are not forgotten. It decides whose prompt is computed first, and who gives way when there are too many
    /// sequences, or too little memory, for all: less urgent ones that came less than so much earlier stop, and go on later with the same
    /// tokens.
    /// </summary>
    public int Priority { get; init; }

    /// <summary>
    /// Gets after which time it ends with a <see cref="TimeoutException"/>, waiting included, as soon as the running step ends.
    /// Default <see langword="null"/>: never, as <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> means too.
    /// </summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>
    /// Gets whom it shares computed prompts with, up to 1,000 UTF-16 units: others that name the same, a tenant for example. Whether a
    /// prompt was in the cache shows in the time to the first token; a salt keeps that from others. Default <see langword="null"/>:
    /// shared by all that name nothing.
    /// </summary>
    public string? CacheSalt { get; init; }

    /// <summary>
    /// Gets how many tokens may wait for their reader; when there are more, the generation ends with an
    /// <see cref="UnreadTokensException"/>, so that a reader that never comes back holds no memory and no place among those that run.
    /// Default <see langword="null"/>: as many as the context has.
    /// </summary>
    public int? MaxUnreadTokens { get; init; }

    /// <summary>Gets what telemetry calls it.</summary>
    internal string Operation { get; init; } = GenAIAttributes.TextCompletion;

    /// <summary>Throws if a value is out of its range.</summary>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Math.Abs((long)Priority), MaxPriority, nameof(Priority));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Finite(Timeout) ?? TimeSpan.MaxValue, TimeSpan.Zero, nameof(Timeout));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxUnreadTokens ?? int.MaxValue, nameof(MaxUnreadTokens));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(CacheSalt?.Length ?? 0, MaxCacheSaltLength, nameof(CacheSalt));
    }

    /// <summary>The place in the queue of what arrives now: the time, moved by the priority.</summary>
    internal long Rank(TimeProvider time) => time.GetTimestamp() - (Priority * SecondsPerPriority * time.TimestampFrequency);

    /// <summary>When what arrives now times out, as a time stamp.</summary>
    internal long? Deadline(TimeProvider time) =>
        Finite(Timeout) is { } timeout
            ? time.GetTimestamp() + (long)Math.Min(timeout.TotalSeconds * time.TimestampFrequency, long.MaxValue / 2)
            : null;

    private static TimeSpan? Finite(TimeSpan? timeout) => timeout == System.Threading.Timeout.InfiniteTimeSpan ? null : timeout;
}
