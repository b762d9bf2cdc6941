using GptOss.Net.Execution;
using GptOss.Net.Sampling;

namespace GptOss.Net.TestUtils;

/// <summary>Another executor's steps, counted.</summary>
/// <param name="executor">The executor; it is disposed of too.</param>
/// <param name="stepsAhead">The most steps ahead of what the host has read; <see langword="null"/>: as many as the executor takes.</param>
internal sealed class CountedSteps(IModelExecutor executor, int? stepsAhead = null) : IModelExecutor
{
    private long _tokens;
    private long _ahead;
    private int _widest;

    public int MaxStepsInFlight => executor.MaxStepsInFlight;

    public int MaxStepsAhead => stepsAhead ?? executor.MaxStepsAhead;

    public bool CanSample(in RowSampling row) => executor.CanSample(row);

    /// <summary>Gets how many tokens were computed.</summary>
    public long TokenCount => Interlocked.Read(ref _tokens);

    /// <summary>Gets how many steps had tokens that the host had not read.</summary>
    public long StepsAhead => Interlocked.Read(ref _ahead);

    /// <summary>Gets the most sequences of one step.</summary>
    public int MostSequences => Volatile.Read(ref _widest);

    public void Begin(StepBatch batch)
    {
        Interlocked.Add(ref _tokens, batch.TokenCount);
        Interlocked.Add(ref _ahead, batch.TokenIds.Span.ContainsAnyInRange(int.MinValue, -1) ? 1 : 0);
        _widest = Math.Max(_widest, batch.SequenceCount);
        executor.Begin(batch);
    }

    public StepResult Complete() => executor.Complete();

    public bool CanContinue() => executor.CanContinue();

    public void Dispose() => executor.Dispose();
}
