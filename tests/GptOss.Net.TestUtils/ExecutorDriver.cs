using GptOss.Net.Engine;
using GptOss.Net.Execution;
using GptOss.Net.KVCache;
using GptOss.Net.Scheduling;

namespace GptOss.Net.TestUtils;

/// <summary>Drives an executor as the engine does, as many steps at once as it can, and keeps what the tests look at.</summary>
internal sealed class ExecutorDriver(IModelExecutor executor, KVCacheCapacity capacity, int slidingWindow, int maxStepTokens)
{
    private readonly PagedKVCache _cache = new(capacity, slidingWindow);
    private readonly Queue<(StepPlan Plan, StepBatchBuilder Builder)> _inFlight = new();
    private readonly Stack<StepBatchBuilder> _idle = new();

    /// <summary>Gets the most steps that were in flight at once.</summary>
    public int MostStepsInFlight { get; private set; }

    /// <summary>The logits of every token of each prompt, computed together; per prompt row-major <c>[tokens, vocabulary]</c>.</summary>
    public float[][] Logits(params int[][] prompts)
    {
        var sequences = prompts.Select(prompt => new Sequence(prompt) { WantsAllLogits = true }).ToArray();
        var logits = sequences.ToDictionary(sequence => sequence, _ => new List<float>());
        Run(sequences, (sequence, row) =>
        {
            logits[sequence].AddRange(row);
            return logits[sequence].Count == sequence.Tokens.Count * row.Length;
        });
        return [.. sequences.Select(sequence => logits[sequence].ToArray())];
    }

    /// <summary>The most probable next tokens of each prompt, one after the other, generated together.</summary>
    public int[][] Greedy(int count, params int[][] prompts)
    {
        var sequences = prompts.Select(prompt => new Sequence(prompt)).ToArray();
        Run(sequences, (sequence, row) =>
        {
            sequence.Append(Array.IndexOf(row, row.Max()));
            return sequence.Tokens.Count - sequence.PromptLength == count;
        });
        return [.. sequences.Select(sequence => sequence.Tokens.Skip(sequence.PromptLength).ToArray())];
    }

    private void Run(Sequence[] sequences, Func<Sequence, float[], bool> acceptRow)
    {
        var options = new SchedulerOptions(sequences.Length, maxStepTokens) { MaxStepsInFlight = executor.MaxStepsInFlight };
        var scheduler = new Scheduler(_cache, options);
        foreach (var sequence in sequences)
        {
            scheduler.Add(sequence);
        }

        while (sequences.Any(sequence => sequence.Status != SequenceStatus.Finished))
        {
            BeginSteps(scheduler);
            var (plan, builder) = _inFlight.Dequeue();
            Complete(scheduler, plan, acceptRow);
            _idle.Push(builder);
            KVCacheInvariants.Violations(_cache, [.. sequences.Select(sequence => sequence.Blocks)]).Should().BeEmpty();
        }
    }

    private void BeginSteps(Scheduler scheduler)
    {
        while (_inFlight.Count < executor.MaxStepsInFlight && scheduler.Plan() is { IsEmpty: false } plan)
        {
            var builder = _idle.TryPop(out var idle) ? idle : new StepBatchBuilder();
            executor.Begin(builder.Build(plan));
            _inFlight.Enqueue((plan, builder));
        }

        MostStepsInFlight = Math.Max(MostStepsInFlight, _inFlight.Count);
    }

    private void Complete(Scheduler scheduler, StepPlan plan, Func<Sequence, float[], bool> acceptRow)
    {
        var result = executor.Complete();
        var rowCounts = plan.Chunks.Select(StepBatchBuilder.RowCount).ToArray();
        scheduler.Commit(plan);
        var row = 0;
        for (var i = 0; i < rowCounts.Length; i++)
        {
            var sequence = plan.Chunks[i].Sequence;
            var done = false;
            for (var end = row + rowCounts[i]; row < end; row++)
            {
                done = acceptRow(sequence, result.Row(row).ToArray());
            }

            if (done)
            {
                scheduler.Remove(sequence);
            }
        }
    }
}
