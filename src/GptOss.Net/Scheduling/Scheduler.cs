using GptOss.Net.KVCache;

namespace GptOss.Net.Scheduling;

/// <summary>
/// Decides what each step computes: one token of every sequence that decodes, then prompts in chunks, up to the step's
/// token budget. When blocks run out, the last sequence in rank gives up its own and starts over later.
/// </summary>
/// <remarks>
/// The first sequence in rank never waits for another, so every sequence ends, however small the cache. Plain bookkeeping, used by
/// one thread.
/// </remarks>
internal sealed class Scheduler(PagedKVCache cache, SchedulerOptions options)
{
    private readonly SequenceQueue _waiting = new();
    private readonly SequenceQueue _running = new();
    private readonly List<BlockCopy> _copies = [];
    private long _arrivals;

    public int WaitingCount => _waiting.Count;

    public int RunningCount => _running.Count;

    /// <summary>Gets how many more sequences may run.</summary>
    public int FreeSlots => options.MaxSequences - _running.Count;

    /// <summary>Gets the sequence that is to run next, if one waits.</summary>
    public Sequence? NextWaiting => _waiting.Count == 0 ? null : _waiting[0];

    /// <summary>Gets the most tokens of one sequence that the cache could hold.</summary>
    public long CacheCapacityTokens => (long)cache.FullPool.BlockCount * PagedKVCache.BlockSize;

    /// <summary>Gets how full the cache is.</summary>
    public KVCacheUsage CacheUsage => cache.Usage;

    /// <summary>Gets how often a sequence had to give up its blocks.</summary>
    public long PreemptionCount { get; private set; }

    /// <summary>Gets what was looked for and found of the prompts that began to run.</summary>
    public PrefixCounts Prefixes { get; private set; }

    /// <summary>Queues a sequence that is new.</summary>
    public void Add(Sequence sequence)
    {
        sequence.Arrival = _arrivals++;
        sequence.Status = SequenceStatus.Waiting;
        _waiting.Add(sequence);
    }

    /// <summary>Takes a sequence out, wherever it is, and frees its blocks.</summary>
    /// <exception cref="InvalidOperationException">A step computes it: its blocks are being written.</exception>
    public void Remove(Sequence sequence)
    {
        if (sequence.IsInFlight)
        {
            throw new InvalidOperationException("A sequence can be removed only between its steps.");
        }

        if (sequence.Status == SequenceStatus.Running)
        {
            _running.Remove(sequence);
            cache.Free(sequence.Blocks);
        }
        else
        {
            _waiting.Remove(sequence);
        }

        sequence.Status = SequenceStatus.Finished;
    }

    /// <summary>Plans the next step and reserves its blocks; empty when there is nothing to do before a step ends.</summary>
    public StepPlan Plan()
    {
        var step = new StepDraft(options.MaxStepTokens, FairShare());
        var preemptions = PreemptionCount;
        PlanDecodes(step);
        PlanPrefills(step);
        if (PreemptionCount == preemptions)
        {
            // A sequence that has just lost its blocks must not take them back in the same step.
            Admit(step);
        }

        while (step.Chunks.Count == 0 && _running.Count > 1 && !_running.Any(sequence => sequence.IsInFlight))
        {
            // Every running sequence waits for blocks that the others hold.
            Preempt(_running[^1]);
            PlanPrefills(step);
        }

        return Begin(step);
    }

    /// <summary>Records that a planned step was computed, before anything is done with what it gave.</summary>
    public void Commit(StepPlan plan)
    {
        foreach (var (sequence, tokenCount) in plan.Chunks)
        {
            sequence.IsInFlight = false;
            var computed = sequence.Blocks.ComputedTokens + tokenCount;
            if (options.CachesPrefixes)
            {
                cache.Commit(sequence.Blocks, sequence.TokenSpan, computed);
            }
            else
            {
                cache.ReleaseBehindWindow(sequence.Blocks, computed);
            }
        }
    }

    /// <summary>Records that a planned step failed: what it was to write is not there, and nothing that was computed is trusted.</summary>
    public void Abandon(StepPlan plan)
    {
        foreach (var (sequence, _) in plan.Chunks)
        {
            sequence.IsInFlight = false;
        }

        cache.ForgetPrefixes();
    }

    /// <summary>No sequence begins any more with what was computed until now.</summary>
    public void ForgetPrefixes() => cache.ForgetPrefixes();

    /// <summary>Lets a new sequence run that continues a running one, whose prompt is its own.</summary>
    /// <param name="source">A sequence between two steps, of which all tokens are computed.</param>
    /// <param name="fork">A sequence that was never added.</param>
    /// <returns><see langword="false"/> when there is no room: the fork then waits for it as any other.</returns>
    public bool TryFork(Sequence source, Sequence fork)
    {
        if (_running.Count >= options.MaxSequences || !cache.TryFork(source.Blocks, fork.Blocks, _copies))
        {
            Add(fork);
            return false;
        }

        fork.Arrival = _arrivals++;
        fork.CachedTokens = source.Blocks.ComputedTokens;
        fork.Status = SequenceStatus.Running;
        _running.Add(fork);
        return true;
    }

    /// <summary>The most sequences of one step: under load each step in flight has as many as the others.</summary>
    private int FairShare()
    {
        var wanted = Math.Min(options.MaxSequences, _running.Count + _waiting.Count);
        return (wanted + options.MaxStepsInFlight - 1) / options.MaxStepsInFlight;
    }

    private StepPlan Begin(StepDraft step)
    {
        if (step.Chunks.Count == 0)
        {
            return new StepPlan([], []);
        }

        foreach (var (sequence, _) in step.Chunks)
        {
            sequence.IsInFlight = true;
        }

        var plan = new StepPlan(step.Chunks, [.. _copies]);
        _copies.Clear();
        return plan;
    }

    private void PlanDecodes(StepDraft step)
    {
        for (var i = 0; i < _running.Count && !step.IsFull; i++)
        {
            var sequence = _running[i];
            if (!sequence.IsInFlight && sequence.PendingTokens == 1 && TryReserveDecode(sequence, i))
            {
                step.Add(sequence, 1);
            }
        }
    }

    /// <summary>Makes room for one token, at the cost of sequences that come after this one, or of itself.</summary>
    private bool TryReserveDecode(Sequence sequence, int index)
    {
        while (!cache.TryReserve(sequence.Blocks, 1))
        {
            var last = _running.Count - 1;
            while (last > index && _running[last].IsInFlight)
            {
                last--;
            }

            if (last == index && _running.Count - 1 > index)
            {
                // Those behind it are being computed; they can be asked once their step has ended.
                return false;
            }

            Preempt(_running[last]);
            if (last == index)
            {
                return false;
            }
        }

        return true;
    }

    private void PlanPrefills(StepDraft step)
    {
        foreach (var sequence in _running)
        {
            if (!sequence.IsInFlight && sequence.PendingTokens > 1)
            {
                TryPlanChunk(sequence, step);
            }
        }
    }

    private void Admit(StepDraft step)
    {
        while (!step.IsFull && _running.Count < options.MaxSequences && _waiting.Count > 0)
        {
            var sequence = _waiting[0];
            AttachPrefix(sequence);

            // A prompt starts only when all of it fits: half a prompt would hold blocks and wait. Those that run need blocks too.
            var missing = PagedKVCache.BlockCount(sequence.Tokens.Count) - sequence.Blocks.Full.EndBlock;
            if (missing + _running.Count > cache.FullPool.FreeCount || !TryPlanChunk(sequence, step))
            {
                cache.Free(sequence.Blocks);
                return;
            }

            Start(sequence);
        }
    }

    private void AttachPrefix(Sequence sequence)
    {
        if (options.CachesPrefixes && !sequence.WantsAllLogits)
        {
            cache.AttachPrefix(sequence.Blocks, sequence.TokenSpan);
        }
    }

    private void Start(Sequence sequence)
    {
        _waiting.Remove(sequence);
        _running.Add(sequence);
        sequence.Status = SequenceStatus.Running;
        if (sequence.CachedTokens is null)
        {
            sequence.CachedTokens = sequence.Blocks.ComputedTokens;
            Prefixes = Prefixes.With(sequence.PromptLength, sequence.Blocks.ComputedTokens);
        }
    }

    private bool TryPlanChunk(Sequence sequence, StepDraft step)
    {
        var count = Math.Min(sequence.PendingTokens, step.TokensLeft);
        if (step.IsFull || !cache.TryReserve(sequence.Blocks, count))
        {
            return false;
        }

        step.Add(sequence, count);
        return true;
    }

    private void Preempt(Sequence sequence)
    {
        _running.Remove(sequence);
        cache.Free(sequence.Blocks);
        sequence.Status = SequenceStatus.Waiting;
        _waiting.Add(sequence);
        PreemptionCount++;
    }
}
