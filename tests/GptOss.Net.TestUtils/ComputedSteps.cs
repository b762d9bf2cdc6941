using System.Runtime.ExceptionServices;
using GptOss.Net.Execution;

namespace GptOss.Net.TestUtils;

/// <summary>The steps in flight of an executor that computes them as they begin: what each gave, or why it failed.</summary>
internal sealed class ComputedSteps
{
    private readonly Queue<(StepResult Result, ExceptionDispatchInfo? Failure)> _steps = [];

    public void Begin(Func<StepResult> compute, int maxStepsInFlight)
    {
        _steps.Count.Should().BeLessThan(maxStepsInFlight);
        try
        {
            _steps.Enqueue((compute(), null));
        }
#pragma warning disable CA1031 // Thrown where the step is completed.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _steps.Enqueue((default, ExceptionDispatchInfo.Capture(exception)));
        }
    }

    public StepResult Complete()
    {
        var (result, failure) = _steps.Dequeue();
        failure?.Throw();
        return result;
    }
}
