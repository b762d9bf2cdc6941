using GptOss.Net.Execution;
using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Engine;

/// <summary>Another executor's steps, counted.</summary>
internal sealed class CountedSteps(IModelExecutor executor) : IModelExecutor
{
    private long _tokens;
    private int _widest;

    public int MaxStepsInFlight => executor.MaxStepsInFlight;

    public int MaxStepsAhead => executor.MaxStepsAhead;

    public bool CanSample(in RowSampling row) => executor.CanSample(row);

    /// <summary>Gets how many tokens were computed.</summary>
    public long TokenCount => Interlocked.Read(ref _tokens);

    /// <summary>Gets the most sequences of one step.</summary>
    public int MostSequences => Volatile.Read(ref _widest);

    public void Begin(StepBatch batch)
    {
        Interlocked.Add(ref _tokens, batch.TokenCount);
        _widest = Math.Max(_widest, batch.SequenceCount);
        executor.Begin(batch);
    }

    public StepResult Complete() => executor.Complete();

    public bool CanContinue() => executor.CanContinue();

    public void Dispose() => executor.Dispose();
}
