using GptOss.Net.KVCache;

namespace GptOss.Net.Scheduling;

/// <summary>
/// Decides what each step computes: one token of every sequence that decodes, then prompts in chunks, up to the step's
/// token budget. When blocks run out, the last sequence in rank gives up its own and starts over later.
/// </summary>
/// <remarks>
/// <para>Fair: at least half of what a step computes of prompts is of the first in rank, so that nobody's prompt stands still; the other
/// half goes to those that have less left, the shortest first, so that a short one begins soon. These may pass a prompt that waits for
/// room, but never delay it: it takes back what they hold.</para>
/// <para>The first sequence in rank never waits for another, so every sequence ends, however small the cache. Plain bookkeeping, used by
/// one thread.</para>
/// </remarks>
internal sealed partial class Scheduler(PagedKVCache cache, SchedulerOptions options)
{
    private readonly SequenceQueue _waiting = new(SequenceOrder.ByRank);
    private readonly SequenceQueue _shortest = new(SequenceOrder.ByWork); // of those that wait
    private readonly SequenceQueue _running = new(SequenceOrder.ByRank);
    private readonly List<Sequence> _decoding = [];
    private readonly List<BlockCopy> _copies = [];
    private long _arrivals;
    private long _steps;
    private long _preemptionsBefore; // the step that is planned

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

    /// <summary>Gets how long steps take; tell it when one has ended.</summary>
    public StepPace Pace { get; } = new(options);

    /// <summary>Gets what was looked for and found of the prompts that began to run.</summary>
    public PrefixCounts Prefixes { get; private set; }

    /// <summary>Queues a sequence that is new.</summary>
    public void Add(Sequence sequence)
    {
        sequence.Arrival = _arrivals++;
        Wait(sequence);
    }

    /// <summary>Whether the cache could hold a sequence if there were no other.</summary>
    public bool CanHold(Sequence sequence) => PagedKVCache.BlockCount(sequence.Tokens.Count) <= cache.FullPool.BlockCount;

    /// <summary>Takes a sequence out, wherever it is, and frees its blocks: as soon as no step writes to them.</summary>
    public void Remove(Sequence sequence)
    {
        if (sequence.Status == SequenceStatus.Running)
        {
            _running.Remove(sequence);
            if (!sequence.IsInFlight)
            {
                cache.Free(sequence.Blocks);
            }
        }
        else
        {
            StopWaiting(sequence);
        }

        sequence.Status = SequenceStatus.Finished;
    }

    /// <summary>Plans the next step and reserves its blocks; empty when there is nothing to do before a step ends.</summary>
    public StepPlan Plan()
    {
        _steps++;
        MakeRoomForFirst();
        _preemptionsBefore = PreemptionCount;
        var step = new StepDraft(options.MaxStepTokens, FairShare());
        PlanDecodes(step, options.MaxStepTokens - RoomForPrompts());
        PlanPrompts(step);
        if (step.Chunks.Count == 0)
        {
            PlanDecodes(step, options.MaxStepTokens);
        }

        if (step.Chunks.Count == 0 && !_running.Any(sequence => sequence.IsInFlight))
        {
            PlanWithLess(step);
        }

        return Begin(step);
    }

    /// <summary>
    /// Every running sequence waits for blocks that others hold, or held until the step was planned: the last ones give up theirs.
    /// </summary>
    private void PlanWithLess(StepDraft step)
    {
        PlanPrompts(step);
        while (step.Chunks.Count == 0 && _running.Count > 1)
        {
            Preempt(_running[^1]);
            PlanPrompts(step);
        }
    }

    /// <summary>Records that a planned step was computed, before anything is done with what it gave.</summary>
    public void Commit(StepPlan plan)
    {
        foreach (var chunk in plan.Chunks)
        {
            var sequence = chunk.Sequence;
            var computed = sequence.Blocks.ComputedTokens + chunk.TokenCount;
            if (!EndStep(chunk, isComputed: true))
            {
                continue;
            }

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
        foreach (var chunk in plan.Chunks)
        {
            EndStep(chunk, isComputed: false);
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

        foreach (var (sequence, tokenCount) in step.Chunks)
        {
            sequence.StepsInFlight++;
            sequence.TokensInFlight += tokenCount;
            sequence.LastStep = _steps;
        }

        var plan = new StepPlan(step.Chunks, [.. _copies]);
        _copies.Clear();
        return plan;
    }

    /// <summary>A quarter of the step, if there are prompts that could be in it; of a step of less than four tokens, in turns.</summary>
    private int RoomForPrompts()
    {
        var mayStart = _waiting.Count > 0 && _running.Count < options.MaxSequences;
        return mayStart || _running.Any(sequence => sequence.PendingTokens > 1) ? (options.MaxStepTokens + (int)(_steps % 4)) / 4 : 0;
    }

    /// <summary>A token of each sequence that decodes; when there is no room for all, of those whose turn it is.</summary>
    private void PlanDecodes(StepDraft step, int room)
    {
        _decoding.Clear();
        foreach (var sequence in _running)
        {
            if (!sequence.IsInFlight && sequence.PendingTokens == 1)
            {
                _decoding.Add(sequence);
            }
        }

        if (_decoding.Count > room)
        {
            _decoding.Sort(SequenceOrder.ByTurn);
        }

        for (var i = 0; i < _decoding.Count && room > 0 && !step.IsFull; i++)
        {
            var sequence = _decoding[i];
            if (sequence.Status == SequenceStatus.Running && TryReserveDecode(sequence, step))
            {
                step.Add(sequence, 1);
                room--;
            }
        }
    }

    /// <summary>Makes room for one token, at the cost of sequences that come after this one, or of itself.</summary>
    private bool TryReserveDecode(Sequence sequence, StepDraft step)
    {
        while (!cache.TryReserve(sequence.Blocks, 1))
        {
            var last = LastBehind(sequence, step);
            if (last is null && _running[^1] != sequence)
            {
                // Those behind it are being computed; they can be asked once their step has ended.
                return false;
            }

            Preempt(last ?? sequence);
            if (last is null)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The last in rank of those that come after a sequence and are in no step.</summary>
    private Sequence? LastBehind(Sequence sequence, StepDraft? step = null)
    {
        for (var i = _running.Count - 1; i >= 0 && SequenceOrder.ByRank(_running[i], sequence) > 0; i--)
        {
            if (!_running[i].IsInFlight && step?.Has(_running[i]) != true)
            {
                return _running[i];
            }
        }

        return null;
    }

    /// <summary>Takes what a running sequence holds; it waits again.</summary>
    private void Preempt(Sequence sequence)
    {
        _running.Remove(sequence);
        cache.Free(sequence.Blocks);
        sequence.LastStep = _steps; // it does not begin again in this one
        Wait(sequence);
        PreemptionCount++;
    }

    private void Wait(Sequence sequence)
    {
        sequence.Status = SequenceStatus.Waiting;
        sequence.KnownTokens = UsesPrefixes(sequence) ? cache.KnownTokens(sequence.Blocks.CacheSalt, sequence.TokenSpan) : 0;
        _waiting.Add(sequence);
        _shortest.Add(sequence);
    }

    private void StopWaiting(Sequence sequence)
    {
        _waiting.Remove(sequence);
        _shortest.Remove(sequence);
    }
}
