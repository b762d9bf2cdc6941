using GptOss.Net.Execution;

namespace GptOss.Net.Throughput;

/// <summary>An executor that outlives its engine, which begins no more than so many steps at once.</summary>
internal sealed class BorrowedExecutor(IModelExecutor executor, int maxStepsInFlight) : IModelExecutor
{
    public int MaxStepsInFlight => maxStepsInFlight;

    public void Begin(StepBatch batch) => executor.Begin(batch);

    public StepResult Complete() => executor.Complete();

    public bool CanContinue() => executor.CanContinue();

    public void Dispose()
    {
    }
}
