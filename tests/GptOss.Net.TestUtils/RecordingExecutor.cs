using GptOss.Net.Execution;

namespace GptOss.Net.TestUtils;

/// <summary>Passes steps on and keeps them with what they gave, so that they can be run again. The executor is not owned.</summary>
internal sealed class RecordingExecutor(IModelExecutor executor) : IModelExecutor
{
    private readonly Queue<StepBatch> _inFlight = new();
    private readonly List<(StepBatch Batch, float[] Logits)> _steps = [];

    public int MaxStepsInFlight => executor.MaxStepsInFlight;

    /// <summary>Gets the steps that were completed, in their order.</summary>
    public IReadOnlyList<(StepBatch Batch, float[] Logits)> Steps => _steps;

    public void Begin(StepBatch batch)
    {
        // Before the executor has it: the block tables may change as soon as it is begun.
        _inFlight.Enqueue(batch with { Sequences = [.. batch.Sequences.Select(Copy)] });
        executor.Begin(batch);
    }

    public StepResult Complete()
    {
        var result = executor.Complete();
        _steps.Add((_inFlight.Dequeue(), result.Logits.ToArray()));
        return result;
    }

    public bool CanContinue() => executor.CanContinue();

    public void Dispose()
    {
    }

    private static SequenceSlice Copy(SequenceSlice slice) =>
        slice with { FullBlocks = [.. slice.FullBlocks], SlidingBlocks = [.. slice.SlidingBlocks] };
}
