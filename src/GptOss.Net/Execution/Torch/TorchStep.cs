using System.Runtime.ExceptionServices;
using TorchSharp;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>A step on its way through the stages. One thread has it at a time.</summary>
/// <param name="batch">What to compute.</param>
internal sealed class TorchStep(StepBatch batch) : IDisposable
{
    // What the last stage left of each sequence: the residual stream, on the device of the next one. No dispose scope has it.
    private readonly Tensor?[] _hidden = new Tensor?[batch.SequenceCount];
    private ExceptionDispatchInfo? _failure;

    public StepBatch Batch { get; } = batch;

    public bool HasFailed => _failure is not null;

    /// <summary>Gets or sets the wanted logits, once the last stage has computed them.</summary>
    public StepResult Result { get; set; }

    /// <summary>Leaves the residual stream of a sequence to the next stage.</summary>
    public void Leave(int sequence, Tensor hidden) => _hidden[sequence] = hidden.DetachFromDisposeScope();

    /// <summary>Takes what the stage before left; it belongs to the caller's dispose scope from now on.</summary>
    public Tensor Take(int sequence, DisposeScope scope)
    {
        var hidden = _hidden[sequence] ?? throw new InvalidOperationException($"No stage has computed sequence {sequence} of the step.");
        _hidden[sequence] = null;
        scope.Attach(hidden);
        return hidden;
    }

    /// <summary>Keeps what went wrong first, and frees what was computed.</summary>
    public void Fail(Exception exception)
    {
        _failure ??= ExceptionDispatchInfo.Capture(exception);
        Dispose();
    }

    /// <summary>Throws what went wrong, if anything did.</summary>
    public void ThrowIfFailed() => _failure?.Throw();

    public void Dispose()
    {
        foreach (var hidden in _hidden)
        {
            hidden?.Dispose();
        }

        Array.Clear(_hidden);
    }
}
