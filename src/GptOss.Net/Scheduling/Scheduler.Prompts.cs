using GptOss.Net.KVCache;

namespace GptOss.Net.Scheduling;

/// <summary>Which prompts a step computes, and who begins to run.</summary>
internal sealed partial class Scheduler
{
    // Sequences that wait for room and are passed in a step, beyond those that could run.
    private const int MostPassed = 16;

    private readonly List<Sequence> _shorter = [];

    private void PlanPrompts(StepDraft step)
    {
        step.Limit(Pace.PromptTokens(isAlone: _running.Count + _waiting.Count == 1));
        while (!step.IsFull && FirstPrompt(step) is { } first)
        {
            // Half for the first in rank, the rest for those that have less left, and what they leave for the first again. When there is
            // no room for the first, those pass it.
            var hasRoom = first.Status == SequenceStatus.Running || TryStart(first);
            var isPlanned = hasRoom && TryPlan(first, (step.TokensLeft + 1) / 2, step);
            PlanShorter(first, step);
            isPlanned |= hasRoom && TryPlan(first, step.TokensLeft, step);
            if (!isPlanned)
            {
                return;
            }
        }
    }

    /// <summary>The first in rank of those that have a prompt to compute and are not in the step; it runs or waits.</summary>
    private Sequence? FirstPrompt(StepDraft step)
    {
        var running = _running.FirstOrDefault(sequence => IsPrompt(sequence, step));
        var waiting = NextWaiting;
        return running is null || (waiting is not null && SequenceOrder.ByRank(waiting, running) < 0) ? waiting : running;
    }

    private static bool IsPrompt(Sequence sequence, StepDraft step) =>
        !sequence.IsInFlight && sequence.PendingTokens > 1 && !step.Has(sequence);

    /// <summary>
    /// Prompts that run, and of those that wait the ones with less left than the first in rank or more urgent; the shortest first.
    /// </summary>
    private void PlanShorter(Sequence first, StepDraft step)
    {
        _shorter.Clear();
        _shorter.AddRange(_running.Where(sequence => IsPrompt(sequence, step)));
        _shorter.AddRange(_shortest
            .TakeWhile(sequence => SequenceOrder.ByWork(sequence, first) < 0)
            .Take(Math.Max(0, options.MaxSequences - _running.Count) + MostPassed));
        _shorter.Sort(SequenceOrder.ByWork);
        var isWaiting = first.Status == SequenceStatus.Waiting;
        foreach (var sequence in _shorter)
        {
            if (step.IsFull || (!isWaiting && SequenceOrder.ByWork(sequence, first) > 0))
            {
                return;
            }

            if (sequence.Status == SequenceStatus.Running || TryStart(sequence))
            {
                TryPlan(sequence, step.TokensLeft, step);
            }
        }
    }

    /// <summary>Adds some of a sequence's tokens to the step, if there are blocks for them.</summary>
    private bool TryPlan(Sequence sequence, int tokens, StepDraft step)
    {
        var planned = step.TokensOf(sequence);
        var count = Math.Min(sequence.PendingTokens - planned, Math.Min(tokens, step.TokensLeft));
        if (count == 0 || (planned == 0 && step.IsFull) || !cache.TryReserve(sequence.Blocks, planned + count))
        {
            return false;
        }

        step.Add(sequence, count);
        return true;
    }

    /// <summary>Lets a sequence that waits run when all of its prompt fits: half a prompt would hold blocks and wait.</summary>
    private bool TryStart(Sequence sequence)
    {
        // Who has just lost its blocks must not take them back in the same step, and nobody else may either. Only for the first is the
        // cache asked in each step what it has by now.
        var missing = PagedKVCache.BlockCount(sequence.Tokens.Count) - (sequence.KnownTokens / PagedKVCache.BlockSize);
        var isHopeless = missing > cache.FullPool.FreeCount && sequence != NextWaiting;
        if (PreemptionCount != _preemptionsBefore || sequence.LastStep == _steps || isHopeless || !HasRoom(Attach(sequence)))
        {
            cache.Free(sequence.Blocks);
            return false;
        }

        StopWaiting(sequence);
        sequence.KnownTokens = 0;
        _running.Add(sequence);
        sequence.Status = SequenceStatus.Running;
        if (sequence.CachedTokens is null)
        {
            sequence.CachedTokens = sequence.Blocks.ComputedTokens;
            Prefixes = Prefixes.With(sequence.PromptLength, sequence.Blocks.ComputedTokens);
        }

        return true;
    }

    /// <summary>Gives a sequence what the cache has of it; returns how many blocks it needs besides.</summary>
    private int Attach(Sequence sequence)
    {
        if (UsesPrefixes(sequence))
        {
            cache.AttachPrefix(sequence.Blocks, sequence.TokenSpan);
        }

        return PagedKVCache.BlockCount(sequence.Tokens.Count) - sequence.Blocks.Full.EndBlock;
    }

    private bool UsesPrefixes(Sequence sequence) => options.CachesPrefixes && !sequence.WantsAllLogits;

    /// <summary>Whether one more can run. What runs has its blocks first: for the rest of its prompt, and for its next tokens.</summary>
    private bool HasRoom(int blocks) =>
        _running.Count < options.MaxSequences && blocks + _running.Sum(Owed) + _running.Count <= cache.FullPool.FreeCount;

    private static int Owed(Sequence sequence) =>
        Math.Max(0, PagedKVCache.BlockCount(sequence.Tokens.Count) - sequence.Blocks.Full.EndBlock);

    /// <summary>
    /// Whoever passed the first in rank, or is less urgent, gives up what it holds as soon as that is enough for the first to run.
    /// </summary>
    private void MakeRoomForFirst()
    {
        if (NextWaiting is not { } first || _running.Count == 0 || SequenceOrder.ByRank(_running[^1], first) < 0)
        {
            return;
        }

        var missing = Attach(first);
        if (!HasRoom(missing) && WouldHaveRoom(first, missing))
        {
            while (!HasRoom(missing) && LastBehind(first) is { } last)
            {
                Preempt(last);
            }
        }

        cache.Free(first.Blocks);
    }

    /// <summary>Whether a sequence could run if those that come after it did not.</summary>
    private bool WouldHaveRoom(Sequence sequence, int blocks)
    {
        var (held, others, owed) = (0, 0, 0);
        foreach (var other in _running)
        {
            if (SequenceOrder.ByRank(other, sequence) > 0 && !other.IsInFlight)
            {
                held += other.Blocks.Full.EndBlock;
            }
            else
            {
                others++;
                owed += Owed(other);
            }
        }

        return others < options.MaxSequences && blocks + owed + others <= cache.FullPool.FreeCount + held;
    }
}
