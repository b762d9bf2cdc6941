using GptOss.Net.KVCache;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Tests.Scheduling;

/// <summary>
/// Runs jobs through a scheduler with a model of the cache in place of an executor: each slot holds the token last written
/// to it, and every token is unique, so that a chunk that was lost, repeated or misplaced shows at once.
/// </summary>
internal sealed class SchedulerSimulation
{
    private const int TokensPerJob = 1_000;

    private readonly PagedKVCache _cache;
    private readonly Scheduler _scheduler;
    private readonly SchedulerOptions _options;
    private readonly int _window;
    private readonly ScheduledJob[] _jobs;
    private readonly Sequence[] _sequences;
    private readonly int[] _fullSlots;
    private readonly int[] _slidingSlots;
    private readonly List<Sequence> _arrived = [];
    private readonly HashSet<Sequence> _started = [];

    public SchedulerSimulation(ScheduledJob[] jobs, KVCacheCapacity capacity, int window, SchedulerOptions options)
    {
        (_jobs, _window, _options) = (jobs, window, options);
        _cache = new PagedKVCache(capacity, window);
        _scheduler = new Scheduler(_cache, options);
        _sequences = [.. jobs.Select((job, index) => new Sequence(Tokens(index, 0, job.PromptLength)))];
        _fullSlots = new int[capacity.FullBlocks * PagedKVCache.BlockSize];
        _slidingSlots = new int[capacity.SlidingBlocks * PagedKVCache.BlockSize];
    }

    public long PreemptionCount => _scheduler.PreemptionCount;

    /// <summary>Runs until every job is done; fails when that takes more steps than work that is done a few times over.</summary>
    public void Run()
    {
        var most = 100 + (20 * _jobs.Sum(job => job.PromptLength + job.OutputLength));
        var wasEmpty = false;
        for (var step = 0; _sequences.Any(sequence => sequence.Status != SequenceStatus.Finished); step++)
        {
            Expect(step < most, $"not done after {most} steps");
            Arrive(step);
            Cancel(step);
            var isEmpty = !Step();
            Expect(!(isEmpty && wasEmpty && HasWork()), "two steps without progress");
            wasEmpty = isEmpty;
        }

        Expect(_cache.Usage is { FullBlocksUsed: 0, SlidingBlocksUsed: 0 }, "blocks are still in use");
        Expect(_scheduler is { WaitingCount: 0, RunningCount: 0 }, "sequences are still queued");
        CheckTokens();
    }

    private static int[] Tokens(int job, int first, int count) => [.. Enumerable.Range((job * TokensPerJob) + first + 1, count)];

    private bool HasWork() => _arrived.Any(sequence => sequence.Status != SequenceStatus.Finished);

    private void Arrive(int step)
    {
        for (var i = 0; i < _jobs.Length; i++)
        {
            if (_jobs[i].ArrivalStep == step)
            {
                _arrived.Add(_sequences[i]);
                _scheduler.Add(_sequences[i]);
            }
        }
    }

    private void Cancel(int step)
    {
        for (var i = 0; i < _jobs.Length; i++)
        {
            if (_jobs[i].CancelStep == step && _arrived.Contains(_sequences[i]) && _sequences[i].Status != SequenceStatus.Finished)
            {
                _scheduler.Remove(_sequences[i]);
            }
        }

        CheckCache();
    }

    /// <summary>One step as the engine does it.</summary>
    /// <returns><see langword="false"/> when there was nothing to compute.</returns>
    private bool Step()
    {
        var decoding = _arrived.Where(sequence => sequence is { Status: SequenceStatus.Running, PendingTokens: 1 }).ToHashSet();
        var plan = _scheduler.Plan();
        CheckPlan(plan, decoding);
        CheckCache();
        foreach (var chunk in plan.Chunks)
        {
            Compute(chunk);
        }

        var complete = plan.Chunks.Where(chunk => chunk.ReachesEnd).ToArray();
        _scheduler.Commit(plan);
        CheckCache();
        foreach (var chunk in complete)
        {
            Accept(chunk.Sequence);
        }

        CheckCache();
        return !plan.IsEmpty;
    }

    private void Accept(Sequence sequence)
    {
        var job = Array.IndexOf(_sequences, sequence);
        sequence.Append(Tokens(job, sequence.Tokens.Count, 1)[0]);
        if (sequence.Tokens.Count - sequence.PromptLength == _jobs[job].OutputLength)
        {
            _scheduler.Remove(sequence);
        }
    }

    private void Compute(ScheduledChunk chunk)
    {
        var (blocks, tokens) = (chunk.Sequence.Blocks, chunk.Sequence.Tokens);
        var (first, end) = (blocks.ComputedTokens, blocks.ComputedTokens + chunk.TokenCount);
        for (var position = first; position < end; position++)
        {
            _fullSlots[blocks.Full.Slot(position)] = tokens[position];
            _slidingSlots[blocks.Sliding.Slot(position)] = tokens[position];
        }

        for (var position = 0; position < end; position++)
        {
            Expect(_fullSlots[blocks.Full.Slot(position)] == tokens[position], $"full position {position} was lost");
        }

        for (var position = Math.Max(0, first - _window + 1); position < end; position++)
        {
            Expect(_slidingSlots[blocks.Sliding.Slot(position)] == tokens[position], $"sliding position {position} was lost");
        }
    }

    private void CheckPlan(StepPlan plan, HashSet<Sequence> decoding)
    {
        Expect(plan.TokenCount <= _options.MaxStepTokens, "the step is over its budget");
        Expect(_scheduler.RunningCount <= _options.MaxSequences, "too many sequences run");
        Expect(plan.Chunks.Select(chunk => chunk.Sequence).Distinct().Count() == plan.Chunks.Count, "a sequence has two chunks");
        foreach (var (sequence, count) in plan.Chunks)
        {
            Expect(sequence.Status == SequenceStatus.Running, "a sequence is computed but does not run");
            Expect(count >= 1 && count <= sequence.PendingTokens, "a chunk is not part of what is pending");
            Expect(sequence.Blocks.ReservedTokens == sequence.Blocks.ComputedTokens + count, "a chunk's blocks are not reserved");
        }

        CheckDecodesFirst(plan, decoding);
        CheckOrder(plan);
    }

    private static void CheckDecodesFirst(StepPlan plan, HashSet<Sequence> decoding)
    {
        decoding.RemoveWhere(sequence => sequence.Status != SequenceStatus.Running);
        var leading = plan.Chunks.TakeWhile(chunk => decoding.Contains(chunk.Sequence)).Count();
        Expect(leading == Math.Min(decoding.Count, plan.Chunks.Count), "a prompt was computed before a sequence that decodes");
    }

    /// <summary>No sequence starts before one that came earlier, and none holds blocks while one that came earlier waits.</summary>
    private void CheckOrder(StepPlan plan)
    {
        _started.UnionWith(plan.Chunks.Select(chunk => chunk.Sequence));
        var alive = _arrived.Where(sequence => sequence.Status != SequenceStatus.Finished).ToArray();
        var waiting = alive.SkipWhile(sequence => sequence.Status == SequenceStatus.Running).ToArray();
        Expect(waiting.All(sequence => sequence.Status == SequenceStatus.Waiting), "a later sequence runs while an earlier one waits");
        Expect(alive.SkipWhile(_started.Contains).All(sequence => !_started.Contains(sequence)), "a later sequence started first");
        Expect(waiting.All(sequence => sequence.Blocks is { ReservedTokens: 0, ComputedTokens: 0 }), "a waiting sequence holds blocks");
    }

    private void CheckCache()
    {
        var violations = KVCacheInvariants.Violations(_cache, [.. _sequences.Select(sequence => sequence.Blocks)]);
        Expect(violations.Count == 0, string.Join(Environment.NewLine, violations));
    }

    private void CheckTokens()
    {
        for (var i = 0; i < _jobs.Length; i++)
        {
            Expect(_sequences[i].Tokens.SequenceEqual(Tokens(i, 0, _sequences[i].Tokens.Count)), "tokens are out of order");
            var isComplete = _sequences[i].Tokens.Count == _jobs[i].PromptLength + _jobs[i].OutputLength;
            Expect(isComplete || _jobs[i].CancelStep < int.MaxValue, $"job {i} ended early");
        }
    }

    private static void Expect(bool condition, string violation)
    {
        if (!condition)
        {
            throw new InvalidOperationException(violation);
        }
    }
}
