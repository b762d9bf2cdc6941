using GptOss.Net.Execution;

namespace GptOss.Net.Tests.Engine;

/// <summary>An executor whose memory cannot be freed.</summary>
internal sealed class UnfreeableExecutor : IModelExecutor
{
    public int MaxStepsInFlight => 1;

    public void Begin(StepBatch batch) => throw new NotSupportedException();

    public StepResult Complete() => throw new NotSupportedException();

    public bool CanContinue() => false;

    public void Dispose() => throw new InvalidOperationException("The driver has gone.");
}
