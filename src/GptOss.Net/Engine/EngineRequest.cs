using GptOss.Net.Execution;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Engine;

/// <summary>One caller's work on the engine thread: a sequence, and what to do with its logits.</summary>
internal abstract class EngineRequest(Sequence sequence, CancellationToken cancellationToken)
{
    public Sequence Sequence { get; } = sequence;

    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>Gets a value indicating whether nobody waits for the result any more.</summary>
    public virtual bool IsCancelled => CancellationToken.IsCancellationRequested;

    /// <summary>
    /// Takes the logits of a computed chunk: rows <paramref name="firstRow"/> … of the result. The chunk is not committed yet: it
    /// begins at the sequence's <see cref="KVCache.SequenceBlocks.ComputedTokens"/>.
    /// </summary>
    /// <returns><see langword="true"/> when the request is complete.</returns>
    public abstract bool Accept(StepResult result, int firstRow, int rowCount);

    /// <summary>Ends the request with an error, or with an <see cref="OperationCanceledException"/>.</summary>
    public abstract void Fail(Exception exception);
}
