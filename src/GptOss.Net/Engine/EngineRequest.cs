using GptOss.Net.Engine.Telemetry;
using GptOss.Net.Execution;
using GptOss.Net.Sampling;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Engine;

/// <summary>One caller's work on the engine thread: a sequence, and what to do with what comes of its logits.</summary>
internal abstract class EngineRequest(Sequence sequence, CancellationToken cancellationToken)
{
    public Sequence Sequence { get; } = sequence;

    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>Gets when the request ends unfinished, as a time stamp of the engine's clock; <see langword="null"/>: never.</summary>
    public long? Deadline { get; init; }

    /// <summary>Gets requests with the same prompt, which go on from where this one has computed it.</summary>
    public IReadOnlyList<EngineRequest> Followers { get; init; } = [];

    /// <summary>Gets a value indicating whether nobody waits for the result any more.</summary>
    public virtual bool IsCancelled => CancellationToken.IsCancellationRequested;

    /// <summary>Gets what telemetry calls what it does.</summary>
    public string Operation { get; init; } = GenAIAttributes.TextCompletion;

    /// <summary>Gets when what happened to it.</summary>
    public RequestProgress Progress { get; } = new();

    /// <summary>Gets why it ended by itself; <see langword="null"/> if it has not.</summary>
    public virtual FinishReason? FinishReason => null;

    /// <summary>Gets or sets why the request is to end as soon as no step computes it.</summary>
    public Exception? Failure { get; set; }

    /// <summary>What is wanted of the logits after the last token, or after some more that are sampled but not read yet.</summary>
    /// <param name="ahead">How many these are; as many as <see cref="CanRunAhead"/> allows.</param>
    public abstract RowSampling Next(int ahead);

    /// <summary>
    /// Whether it is known how the token is sampled that follows so many unread ones, unless one of them ends or changes things.
    /// </summary>
    public virtual bool CanRunAhead(int unreadTokens) => false;

    /// <summary>
    /// Gets a value indicating whether what <see cref="Next"/> told of tokens ahead still holds, now that one more is read.
    /// </summary>
    public virtual bool IsAheadValid => false;

    /// <summary>
    /// Takes what came of a chunk: rows <paramref name="firstRow"/> … of the result. The chunk is committed: it ends at the sequence's
    /// <see cref="KVCache.SequenceBlocks.ComputedTokens"/>.
    /// </summary>
    /// <returns><see langword="true"/> when the request is complete.</returns>
    public abstract bool Accept(StepResult result, int firstRow, int rowCount);

    /// <summary>Ends the request with an error, or with an <see cref="OperationCanceledException"/>.</summary>
    public abstract void Fail(Exception exception);
}
