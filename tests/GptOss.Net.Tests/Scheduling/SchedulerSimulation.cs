using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Tests.Scheduling;

/// <summary>
/// Runs jobs through a scheduler, several steps at once, with a model of the cache in place of an executor: each slot holds the token
/// last written to it, and every token is unique, so that a chunk that was lost, repeated or misplaced shows at once.
/// </summary>
/// <remarks>
/// A step writes when it is begun, as the first stage does, and reads again when it is completed, as the last stage may: whatever a
/// step that was begun behind it has overwritten shows.
/// </remarks>
internal sealed class SchedulerSimulation
{
    private const int TokensPerSequence = 1_000;

    private readonly PagedKVCache _cache;
    private readonly Scheduler _scheduler;
    private readonly SchedulerOptions _options;
    private readonly int _window;
    private readonly SimulatedSequence[] _sequences;
    private readonly int[] _fullSlots;
    private readonly int[] _slidingSlots;
    private readonly List<SimulatedSequence> _arrived = [];
    private readonly Queue<SimulatedStep> _inFlight = new();

    public SchedulerSimulation(ScheduledJob[] jobs, KVCacheCapacity capacity, int window, SchedulerOptions options)
    {
        (_window, _options) = (window, options);
        _cache = new PagedKVCache(capacity, window);
        _scheduler = new Scheduler(_cache, options);
        _sequences = [.. jobs.SelectMany((job, index) => Answers(job, index * 10 * TokensPerSequence))];
        _fullSlots = new int[capacity.FullBlocks * PagedKVCache.BlockSize];
        _slidingSlots = new int[capacity.SlidingBlocks * PagedKVCache.BlockSize];
    }

    public long PreemptionCount => _scheduler.PreemptionCount;

    /// <summary>Gets the most steps that were in flight at once.</summary>
    public int MostStepsInFlight { get; private set; }

    /// <summary>Gets how many blocks were copied, for answers that go on from the same prompt.</summary>
    public int CopyCount { get; private set; }

    /// <summary>Runs until every job is done; fails when that takes more steps than work that is done a few times over.</summary>
    public void Run()
    {
        var most = 100 + (20 * _sequences.Sum(sequence => sequence.Job.PromptLength + sequence.Job.OutputLength));
        for (var time = 0; _sequences.Any(sequence => !sequence.IsFinished); time++)
        {
            Expect(time < most, $"not done after {most} steps");
            Arrive(time);
            Cancel(time);
            BeginSteps();
            if (_inFlight.TryDequeue(out var step))
            {
                Complete(step);
            }
            else
            {
                Expect(!_arrived.Any(sequence => !sequence.IsFinished), "nothing is computed while there is work");
            }
        }

        Expect(_cache.Usage is { FullBlocksUsed: 0, SlidingBlocksUsed: 0 }, "blocks are still in use");
        Expect(_scheduler is { WaitingCount: 0, RunningCount: 0 }, "sequences are still queued");
        CheckTokens();
    }

    /// <summary>The answers to a prompt: the first computes it, and the others go on from there.</summary>
    private static IEnumerable<SimulatedSequence> Answers(ScheduledJob job, int firstToken)
    {
        int[] prompt = [.. Enumerable.Range(firstToken + 1, job.PromptLength)];
        var followers = Enumerable.Range(1, job.AnswerCount - 1)
            .Select(answer => new SimulatedSequence(job, prompt, firstToken + (answer * TokensPerSequence), [])).ToArray();
        return followers.Prepend(new SimulatedSequence(job, prompt, firstToken, followers));
    }

    private void Arrive(int time)
    {
        foreach (var sequence in _sequences.Where(sequence => !sequence.IsFollower(_sequences) && sequence.Job.ArrivalStep == time))
        {
            Add(sequence);
        }
    }

    private void Add(SimulatedSequence sequence)
    {
        _arrived.Add(sequence);
        _scheduler.Add(sequence.Sequence);
    }

    /// <summary>Withdraws what was cancelled; what a step computes is waited for.</summary>
    private void Cancel(int time)
    {
        foreach (var sequence in _arrived.Where(sequence => sequence.Job.CancelStep <= time && !sequence.IsFinished).ToArray())
        {
            if (!sequence.Sequence.IsInFlight)
            {
                Remove(sequence);
            }
        }

        CheckCache();
    }

    private void BeginSteps()
    {
        while (_inFlight.Count < _options.MaxStepsInFlight)
        {
            var before = _arrived.Select(sequence => sequence.Observe()).ToArray();
            var plan = _scheduler.Plan();
            CheckPlan(plan, before);
            CheckCache();
            if (plan.IsEmpty)
            {
                break;
            }

            Begin(plan);
        }

        MostStepsInFlight = Math.Max(MostStepsInFlight, _inFlight.Count);
    }

    private void Begin(StepPlan plan)
    {
        foreach (var copy in plan.BlockCopies)
        {
            var slots = copy.Kind == AttentionKind.Full ? _fullSlots : _slidingSlots;
            Array.Copy(
                slots, copy.Source * PagedKVCache.BlockSize, slots, copy.Destination * PagedKVCache.BlockSize, PagedKVCache.BlockSize);
            CopyCount++;
        }

        foreach (var chunk in plan.Chunks)
        {
            Write(chunk);
            Read(chunk);
        }

        _inFlight.Enqueue(new SimulatedStep(plan));
    }

    private void Complete(SimulatedStep step)
    {
        Expect(step.HasItsBlocks, "the blocks of a sequence changed while a step computed it");
        foreach (var chunk in step.Plan.Chunks)
        {
            Expect(
                chunk.Sequence is { Status: SequenceStatus.Running, IsInFlight: true }, "a sequence was stopped while a step computed it");
            Read(chunk);
        }

        var complete = step.Plan.Chunks.Where(chunk => chunk.ReachesEnd).Select(chunk => Find(chunk.Sequence)).ToArray();
        _scheduler.Commit(step.Plan);
        CheckCache();
        foreach (var sequence in complete)
        {
            Fork(sequence);
            Accept(sequence);
        }

        CheckCache();
    }

    /// <summary>Once a prompt is computed, its other answers go on from there.</summary>
    private void Fork(SimulatedSequence sequence)
    {
        foreach (var follower in sequence.Followers.Where(follower => follower.Sequence.Status == SequenceStatus.New))
        {
            _arrived.Add(follower);
            if (_scheduler.TryFork(sequence.Sequence, follower.Sequence))
            {
                Accept(follower);
            }
        }
    }

    private void Accept(SimulatedSequence sequence)
    {
        sequence.Append();
        if (sequence.IsComplete)
        {
            Remove(sequence);
        }
    }

    private void Remove(SimulatedSequence sequence)
    {
        _scheduler.Remove(sequence.Sequence);
        foreach (var follower in sequence.Followers.Where(follower => follower.Sequence.Status == SequenceStatus.New))
        {
            Add(follower);
        }
    }

    private void Write(ScheduledChunk chunk)
    {
        var (blocks, tokens) = (chunk.Sequence.Blocks, chunk.Sequence.Tokens);
        for (var position = blocks.ComputedTokens; position < blocks.ComputedTokens + chunk.TokenCount; position++)
        {
            _fullSlots[blocks.Full.Slot(position)] = tokens[position];
            _slidingSlots[blocks.Sliding.Slot(position)] = tokens[position];
        }
    }

    private void Read(ScheduledChunk chunk)
    {
        var (blocks, tokens) = (chunk.Sequence.Blocks, chunk.Sequence.Tokens);
        var (first, end) = (blocks.ComputedTokens, blocks.ComputedTokens + chunk.TokenCount);
        for (var position = 0; position < end; position++)
        {
            Expect(_fullSlots[blocks.Full.Slot(position)] == tokens[position], $"full position {position} was lost");
        }

        for (var position = Math.Max(0, first - _window + 1); position < end; position++)
        {
            Expect(_slidingSlots[blocks.Sliding.Slot(position)] == tokens[position], $"sliding position {position} was lost");
        }
    }

    private void CheckPlan(StepPlan plan, SequenceObservation[] before)
    {
        Expect(plan.TokenCount <= _options.MaxStepTokens, "the step is over its budget");
        Expect(_scheduler.RunningCount <= _options.MaxSequences, "too many sequences run");
        Expect(plan.Chunks.Select(chunk => chunk.Sequence).Distinct().Count() == plan.Chunks.Count, "a sequence has two chunks");
        foreach (var (sequence, count) in plan.Chunks)
        {
            Expect(!_inFlight.Any(step => step.Computes(sequence)), "two steps at once compute a sequence");
            Expect(sequence is { Status: SequenceStatus.Running, IsInFlight: true }, "a sequence is computed but does not run");
            Expect(count >= 1 && count <= sequence.PendingTokens, "a chunk is not part of what is pending");
            Expect(sequence.Blocks.ReservedTokens == sequence.Blocks.ComputedTokens + count, "a chunk's blocks are not reserved");
        }

        CheckDecodesFirst(plan, before);
        CheckTurns(plan);
        CheckPreemptions(before);
        CheckFirstPrompt(plan, before);
    }

    /// <summary>
    /// What decodes goes first. It can be left out only while other steps hold its blocks, when they ran out and a later one whose turn
    /// came earlier is in the step with the last, or to leave a quarter to prompts.
    /// </summary>
    private void CheckDecodesFirst(StepPlan plan, SequenceObservation[] before)
    {
        var decoding = before.Where(sequence => sequence is { IsDecoding: true, IsInFlight: false })
            .Where(sequence => sequence.Sequence.Status == SequenceStatus.Running).Select(sequence => sequence.Sequence).ToHashSet();
        var leading = plan.Chunks.TakeWhile(chunk => decoding.Contains(chunk.Sequence)).Count();
        Expect(
            plan.Chunks.Skip(leading).All(chunk => !decoding.Contains(chunk.Sequence)),
            "a prompt was computed before a sequence that decodes");
        var quarter = (_options.MaxStepTokens + 3) / 4;
        var ranOut =
            before.Any(sequence => sequence.Status == SequenceStatus.Running && sequence.Sequence.Status == SequenceStatus.Waiting);
        Expect(
            ranOut || leading == decoding.Count || leading == plan.Chunks.Count || leading >= _options.MaxStepTokens - quarter
                || _inFlight.Count > 0,
            "a prompt was computed instead of a sequence that decodes");
    }

    /// <summary>However small the step is, nobody who decodes is left out for long.</summary>
    private void CheckTurns(StepPlan plan)
    {
        foreach (var sequence in _arrived)
        {
            var isLeftOut = sequence.Observe() is { IsDecoding: true, IsInFlight: false } && !plan.IsEmpty;
            sequence.StepsLeftOut = isLeftOut ? sequence.StepsLeftOut + 1 : 0;
            Expect(
                sequence.StepsLeftOut <= 2 * _options.MaxStepsInFlight * (_options.MaxSequences + 4),
                "a sequence that decodes was left out too long");
        }
    }

    /// <summary>None gives up its blocks while one that came later could: only what is being computed keeps them.</summary>
    private static void CheckPreemptions(SequenceObservation[] before)
    {
        var ordered = before.OrderBy(observation => observation.Sequence.Rank)
            .ThenBy(observation => observation.Sequence.Arrival).ToArray();
        for (var i = 0; i < ordered.Length; i++)
        {
            if (ordered[i].Status == SequenceStatus.Running && ordered[i].Sequence.Status == SequenceStatus.Waiting)
            {
                Expect(!ordered[i].IsInFlight, "a sequence lost its blocks while a step computed it");
                Expect(
                    ordered.Skip(i + 1).All(later => later.IsInFlight || later.Status != SequenceStatus.Running
                        || later.Sequence.Status != SequenceStatus.Running || later.IsDecoding),
                    "a sequence lost its blocks and a later one kept its own");
            }
        }

        Expect(
            before.All(s => s.Sequence.Status != SequenceStatus.Waiting || s.Sequence.Blocks is { ReservedTokens: 0, ComputedTokens: 0 }),
            "a waiting sequence holds blocks");
    }

    /// <summary>
    /// The bound on waiting: of what a step computes of prompts, at least half is of the first in rank, if it runs. It waits only for room
    /// that those hold which come before it.
    /// </summary>
    private void CheckFirstPrompt(StepPlan plan, SequenceObservation[] before)
    {
        var decoding = before.Where(observation => observation.IsDecoding).Select(observation => observation.Sequence).ToHashSet();
        var prompts = plan.Chunks.Where(chunk => !decoding.Contains(chunk.Sequence)).ToArray();
        var first = before.Where(observation => observation is { IsInFlight: false, IsDecoding: false })
            .Where(observation => observation.Sequence.Status is SequenceStatus.Running or SequenceStatus.Waiting)
            .Select(observation => observation.Sequence)
            .OrderBy(sequence => sequence.Rank).ThenBy(sequence => sequence.Arrival).FirstOrDefault();
        if (first is null || prompts.Length == 0 || _inFlight.Count > 0)
        {
            return;
        }

        if (first.Status == SequenceStatus.Running)
        {
            var share = prompts.Where(chunk => chunk.Sequence == first).Sum(chunk => chunk.TokenCount);
            var half = (prompts.Sum(chunk => chunk.TokenCount) + 1) / 2;
            var lacksBlocks = _cache.FullPool.FreeCount * PagedKVCache.BlockSize < _options.MaxStepTokens + PagedKVCache.BlockSize
                || _cache.SlidingPool.FreeCount * PagedKVCache.BlockSize < _options.MaxStepTokens + PagedKVCache.BlockSize;
            Expect(share >= Math.Min(first.PendingTokens, half) || lacksBlocks, "the first in rank got less than half");
        }
        else if (!before.Any(
            observation => observation.Status == SequenceStatus.Running && observation.Sequence.Status == SequenceStatus.Waiting))
        {
            var earlier = _arrived.Select(sequence => sequence.Sequence).Where(sequence => sequence.Status == SequenceStatus.Running)
                .Where(sequence => (sequence.Rank, sequence.Arrival).CompareTo((first.Rank, first.Arrival)) < 0).ToArray();
            Expect(
                earlier.Length >= _options.MaxSequences
                || earlier.Sum(sequence => PagedKVCache.BlockCount(sequence.Tokens.Count) + 1) + PagedKVCache.BlockCount(first.Tokens.Count)
                    > _cache.FullPool.BlockCount,
                "the first in rank waits for room that later ones hold");
        }
    }

    private void CheckCache()
    {
        var violations = KVCacheInvariants.Violations(_cache, [.. _sequences.Select(sequence => sequence.Sequence.Blocks)]);
        Expect(violations.Count == 0, string.Join(Environment.NewLine, violations));
    }

    private void CheckTokens()
    {
        foreach (var sequence in _sequences)
        {
            Expect(sequence.HasItsTokens, "tokens are out of order");
            Expect(sequence.IsComplete || sequence.Job.CancelStep < int.MaxValue, "a job ended early");
        }
    }

    private SimulatedSequence Find(Sequence sequence) => _sequences.Single(simulated => simulated.Sequence == sequence);

    private static void Expect(bool condition, string violation)
    {
        if (!condition)
        {
            throw new InvalidOperationException(violation);
        }
    }
}
