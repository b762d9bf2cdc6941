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
        _inFlight.Enqueue(Copy(batch));
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

    /// <summary>The arrays of a batch are used again once its step is completed.</summary>
    public static StepBatch Copy(StepBatch batch) => batch with
    {
        TokenIds = batch.TokenIds.ToArray(),
        Positions = batch.Positions.ToArray(),
        SequenceStarts = batch.SequenceStarts.ToArray(),
        ContextLengths = batch.ContextLengths.ToArray(),
        Full = Copy(batch.Full),
        Sliding = Copy(batch.Sliding),
        LogitsRows = batch.LogitsRows.ToArray(),
        Rows = batch.Rows.ToArray(),
    };

    private static BlockTables Copy(BlockTables tables) =>
        new(tables.Slots.ToArray(), tables.Starts.ToArray(), tables.Blocks.ToArray(), tables.FirstBlocks.ToArray());
}
