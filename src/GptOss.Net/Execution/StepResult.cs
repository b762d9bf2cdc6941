using GptOss.Net.Sampling;

namespace GptOss.Net.Execution;

/// <summary>What a step gave for each of <see cref="StepBatch.LogitsRows"/>: a token, or the logits to sample it from.</summary>
/// <param name="Logits">Row-major <c>[rows of logits, vocabulary]</c>, valid until the executor completes its next step.</param>
/// <param name="VocabularySize">The length of a row.</param>
internal readonly record struct StepResult(Memory<float> Logits, int VocabularySize)
{
    /// <summary>
    /// Gets the tokens' hidden states, <c>[tokens, hidden]</c>, valid as long as the logits, from an executor that computes earlier layers
    /// only; it has no logits. Empty where the model ends.
    /// </summary>
    public ReadOnlyMemory<float> Hidden { get; init; }

    /// <summary>
    /// Gets what was sampled, <c>[rows]</c>, valid as long as the logits. Empty from an executor without a sampler: all rows are left to
    /// the host. <see cref="SampledToken.LeftToHost"/> leaves a single row to it; so does a row that wants logits.
    /// </summary>
    public ReadOnlyMemory<SampledToken> Tokens { get; init; }

    /// <summary>
    /// Gets which row of <see cref="Logits"/> belongs to each wanted row, <c>[rows]</c>. Empty: the one of the same number, for all.
    /// </summary>
    public ReadOnlyMemory<int> LogitsIndices { get; init; }

    /// <summary>The logits of a row that was left to the host or wanted them; the host's sampler may write to them.</summary>
    public Span<float> Row(int row) =>
        Logits.Span.Slice((LogitsIndices.IsEmpty ? row : LogitsIndices.Span[row]) * VocabularySize, VocabularySize);

    /// <summary>Whether the executor has sampled a row, or found that it cannot be.</summary>
    public bool IsSampled(int row) => !Tokens.IsEmpty && !Tokens.Span[row].IsLeftToHost;
}
