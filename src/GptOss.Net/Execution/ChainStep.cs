using System.Runtime.ExceptionServices;

namespace GptOss.Net.Execution;

/// <summary>A step on its way through the links of an <see cref="ExecutorChain"/>. One thread has it at a time.</summary>
internal sealed class ChainStep(StepBatch batch) : IDisposable
{
    private StepBatch _batch = batch;
    private StepResult _result;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Lets a link compute its part; what fails is kept, and the links behind do nothing.</summary>
    public void Run(IModelExecutor link)
    {
        if (_failure is not null)
        {
            return;
        }

        try
        {
            link.Begin(_batch);
            _result = link.Complete();
            if (!_result.Hidden.IsEmpty)
            {
                // The link's own memory is its next step's.
                _batch = _batch with { Hidden = _result.Hidden.ToArray() };
            }
            else
            {
                _result = Kept(_result);
            }
        }
#pragma warning disable CA1031 // Thrown where the step is completed.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _failure = ExceptionDispatchInfo.Capture(exception);
        }
    }

    /// <summary>What the last link gave, or what went wrong.</summary>
    public StepResult Result()
    {
        _failure?.Throw();
        return _result;
    }

    public void Dispose()
    {
    }

    /// <summary>A copy: the last link may compute the next step while this one is read.</summary>
    private static StepResult Kept(StepResult result) => result with
    {
        Logits = result.Logits.ToArray(),
        Tokens = result.Tokens.ToArray(),
        LogitsIndices = result.LogitsIndices.ToArray(),
    };
}
