using GptOss.Net.KVCache;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Engine.Telemetry;

/// <summary>
/// The numbers of an engine: its thread writes them, any thread reads them. Each is right by itself; two that are read together may
/// be a step apart.
/// </summary>
internal sealed class EngineCounters(TimeProvider time)
{
    private long _accepted;
    private long _refused;
    private long _finished;
    private long _lengthLimited;
    private long _cancelled;
    private long _failed;
    private long _generatedTokens;
    private long _promptTokens;
    private long _cachedTokens;
    private long _preemptions;
    private int _running;
    private int _fullBlocksUsed;
    private int _fullBlockCount;
    private int _fullBlocksTouched;
    private int _slidingBlocksTouched;
    private int _slidingBlocksUsed;
    private int _slidingBlockCount;

    public LatencyHistogram TimeToFirstToken { get; } = new();

    public LatencyHistogram TimeBetweenTokens { get; } = new();

    public LatencyHistogram QueueTime { get; } = new();

    public LatencyHistogram Duration { get; } = new();

    public TokenRate PromptRate { get; } = new(time);

    public TokenRate GenerationRate { get; } = new(time);

    public long Refused => Volatile.Read(ref _refused);

    public long Finished => Volatile.Read(ref _finished);

    public long LengthLimited => Volatile.Read(ref _lengthLimited);

    public long Cancelled => Volatile.Read(ref _cancelled);

    public long Failed => Volatile.Read(ref _failed);

    public long GeneratedTokens => Volatile.Read(ref _generatedTokens);

    public long PromptTokens => Volatile.Read(ref _promptTokens);

    public long CachedTokens => Volatile.Read(ref _cachedTokens);

    public long Preemptions => Volatile.Read(ref _preemptions);

    public int Running => Volatile.Read(ref _running);

    /// <summary>Gets how many were accepted and have neither begun nor ended.</summary>
    public int Waiting => (int)Math.Max(0, Volatile.Read(ref _accepted) - Finished - Cancelled - Failed - Running);

    public KVCacheUsage CacheUsage => new(
        Volatile.Read(ref _fullBlocksUsed),
        Volatile.Read(ref _fullBlockCount),
        Volatile.Read(ref _slidingBlocksUsed),
        Volatile.Read(ref _slidingBlockCount))
    {
        FullBlocksTouched = Volatile.Read(ref _fullBlocksTouched),
        SlidingBlocksTouched = Volatile.Read(ref _slidingBlocksTouched),
    };

    /// <summary>From any thread.</summary>
    public void Accept(int requests) => Interlocked.Add(ref _accepted, requests);

    /// <summary>From any thread.</summary>
    public void Refuse(int requests) => Interlocked.Add(ref _refused, requests);

    public void End(RequestOutcome outcome)
    {
        ref var count = ref outcome == RequestOutcome.Finished ? ref _finished
            : ref outcome == RequestOutcome.Cancelled ? ref _cancelled
            : ref _failed;
        Volatile.Write(ref count, count + 1);
    }

    /// <summary>A request that finished did so because it may not have more tokens.</summary>
    public void LimitLength() => Volatile.Write(ref _lengthLimited, _lengthLimited + 1);

    public void Generate(int tokens) => Volatile.Write(ref _generatedTokens, _generatedTokens + tokens);

    /// <summary>Takes over what the scheduler counts.</summary>
    public void Publish(Scheduler scheduler)
    {
        var usage = scheduler.CacheUsage;
        Volatile.Write(ref _fullBlocksUsed, usage.FullBlocksUsed);
        Volatile.Write(ref _fullBlockCount, usage.FullBlockCount);
        Volatile.Write(ref _slidingBlocksUsed, usage.SlidingBlocksUsed);
        Volatile.Write(ref _slidingBlockCount, usage.SlidingBlockCount);
        Volatile.Write(ref _fullBlocksTouched, usage.FullBlocksTouched);
        Volatile.Write(ref _slidingBlocksTouched, usage.SlidingBlocksTouched);
        Volatile.Write(ref _promptTokens, scheduler.Prefixes.PromptTokens);
        Volatile.Write(ref _cachedTokens, scheduler.Prefixes.CachedTokens);
        Volatile.Write(ref _preemptions, scheduler.PreemptionCount);
        Volatile.Write(ref _running, scheduler.RunningCount);
    }

    /// <summary>The engine has ended: nothing runs and the cache is gone; what was counted stays.</summary>
    public void Close()
    {
        Volatile.Write(ref _running, 0);
        Volatile.Write(ref _fullBlocksUsed, 0);
        Volatile.Write(ref _slidingBlocksUsed, 0);
        Volatile.Write(ref _fullBlocksTouched, 0);
        Volatile.Write(ref _slidingBlocksTouched, 0);
    }

    public GptOssModelStatistics Snapshot() => new()
    {
        RunningRequests = Running,
        WaitingRequests = Waiting,
        FinishedRequests = Finished,
        LengthLimitedRequests = LengthLimited,
        CancelledRequests = Cancelled,
        FailedRequests = Failed,
        RefusedRequests = Refused,
        Preemptions = Preemptions,
        PromptTokens = PromptTokens,
        CachedPromptTokens = CachedTokens,
        GeneratedTokens = GeneratedTokens,
        PromptTokensPerSecond = PromptRate.PerSecond(),
        GeneratedTokensPerSecond = GenerationRate.PerSecond(),
        FullBlocksUsed = CacheUsage.FullBlocksUsed,
        FullBlockCount = CacheUsage.FullBlockCount,
        SlidingBlocksUsed = CacheUsage.SlidingBlocksUsed,
        SlidingBlockCount = CacheUsage.SlidingBlockCount,
        TimeToFirstToken = TimeToFirstToken.Snapshot(),
        TimeBetweenTokens = TimeBetweenTokens.Snapshot(),
        QueueTime = QueueTime.Snapshot(),
        RequestDuration = Duration.Snapshot(),
    };
}
