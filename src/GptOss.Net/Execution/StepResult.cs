namespace GptOss.Net.Execution;

/// <summary>What a step computed: one row of logits for each of <see cref="StepBatch.LogitsRows"/>.</summary>
/// <param name="Logits">Row-major <c>[rows, vocabulary]</c>, valid until the executor completes its next step.</param>
/// <param name="VocabularySize">The length of a row.</param>
internal readonly record struct StepResult(Memory<float> Logits, int VocabularySize)
{
    /// <summary>The logits of one row; the sampler may write to them.</summary>
    public Span<float> Row(int row) => Logits.Span.Slice(row * VocabularySize, VocabularySize);
}
