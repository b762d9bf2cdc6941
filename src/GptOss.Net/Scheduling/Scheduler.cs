using GptOss.Net.KVCache;

namespace GptOss.Net.Scheduling;

/// <summary>
/// Decides what each step computes: one token of every sequence that decodes, then prompts in chunks, up to the step's
/// token budget. When blocks run out, the youngest sequence gives up its own and starts over later.
/// </summary>
/// <remarks>Plain bookkeeping, used by one thread.</remarks>
internal sealed class Scheduler(PagedKVCache cache, SchedulerOptions options)
{
    private readonly LinkedList<Sequence> _waiting = new();
    private readonly List<Sequence> _running = []; // oldest first

    public int WaitingCount => _waiting.Count;

    public int RunningCount => _running.Count;

    /// <summary>Gets how often a sequence had to give up its blocks.</summary>
    public long PreemptionCount { get; private set; }

    public void Add(Sequence sequence) => _waiting.AddLast(sequence);

    /// <summary>Takes a sequence out, wherever it is, and frees its blocks.</summary>
    public void Remove(Sequence sequence)
    {
        if (sequence.Status == SequenceStatus.Waiting)
        {
            _waiting.Remove(sequence);
        }
        else
        {
            _running.Remove(sequence);
            cache.Free(sequence.Blocks);
        }

        sequence.Status = SequenceStatus.Finished;
    }

    /// <summary>Plans the next step and reserves its blocks; empty when there is nothing to do.</summary>
    public StepPlan Plan()
    {
        var chunks = new List<ScheduledChunk>();
        var budget = options.MaxStepTokens;
        var preemptions = PreemptionCount;
        PlanDecodes(chunks, ref budget);
        PlanPrefills(chunks, ref budget);
        if (PreemptionCount == preemptions)
        {
            // A sequence that has just lost its blocks must not take them back in the same step.
            Admit(chunks, ref budget);
        }

        while (chunks.Count == 0 && _running.Count > 1)
        {
            // Every running sequence waits for blocks that the others hold.
            Preempt(_running[^1]);
            PlanPrefills(chunks, ref budget);
        }

        return new StepPlan(chunks);
    }

    /// <summary>Records that a planned step was computed.</summary>
    public void Commit(StepPlan plan)
    {
        foreach (var (sequence, tokenCount) in plan.Chunks)
        {
            if (sequence.Status == SequenceStatus.Running)
            {
                cache.ReleaseBehindWindow(sequence.Blocks, sequence.Blocks.ComputedTokens + tokenCount);
            }
        }
    }

    private void PlanDecodes(List<ScheduledChunk> chunks, ref int budget)
    {
        for (var i = 0; i < _running.Count && budget > 0; i++)
        {
            var sequence = _running[i];
            if (sequence.PendingTokens != 1)
            {
                continue;
            }

            while (sequence.Status == SequenceStatus.Running && !cache.TryReserve(sequence.Blocks, 1))
            {
                // The youngest goes first; it comes after this one, or is this one, so no planned chunk is lost.
                Preempt(_running[^1]);
            }

            if (sequence.Status == SequenceStatus.Running)
            {
                chunks.Add(new ScheduledChunk(sequence, 1));
                budget--;
            }
        }
    }

    private void PlanPrefills(List<ScheduledChunk> chunks, ref int budget)
    {
        foreach (var sequence in _running)
        {
            if (sequence.PendingTokens > 1)
            {
                TryPlanChunk(sequence, chunks, ref budget);
            }
        }
    }

    private void Admit(List<ScheduledChunk> chunks, ref int budget)
    {
        while (budget > 0 && _running.Count < options.MaxSequences && _waiting.First is { Value: var sequence })
        {
            // A prompt starts only when all of it fits: half a prompt would hold blocks and wait.
            if (PagedKVCache.BlockCount(sequence.Tokens.Count) > cache.FullPool.FreeCount
                || !TryPlanChunk(sequence, chunks, ref budget))
            {
                return;
            }

            _waiting.RemoveFirst();
            _running.Add(sequence);
            sequence.Status = SequenceStatus.Running;
        }
    }

    private bool TryPlanChunk(Sequence sequence, List<ScheduledChunk> chunks, ref int budget)
    {
        var count = Math.Min(sequence.PendingTokens, budget);
        if (count == 0 || !cache.TryReserve(sequence.Blocks, count))
        {
            return false;
        }

        chunks.Add(new ScheduledChunk(sequence, count));
        budget -= count;
        return true;
    }

    private void Preempt(Sequence sequence)
    {
        _running.Remove(sequence);
        cache.Free(sequence.Blocks);
        sequence.Status = SequenceStatus.Waiting;
        _waiting.AddFirst(sequence);
        PreemptionCount++;
    }
}
