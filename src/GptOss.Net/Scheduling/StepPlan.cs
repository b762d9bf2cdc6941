using GptOss.Net.KVCache;

namespace GptOss.Net.Scheduling;

/// <summary>What the next step computes.</summary>
/// <param name="Chunks">Some tokens of each sequence that takes part.</param>
/// <param name="BlockCopies">What has to be copied before.</param>
internal sealed record StepPlan(IReadOnlyList<ScheduledChunk> Chunks, IReadOnlyList<BlockCopy> BlockCopies)
{
    public bool IsEmpty => Chunks.Count == 0;

    public int TokenCount => Chunks.Sum(chunk => chunk.TokenCount);

    /// <summary>Gets the tokens of chunks of more than one: of prompts.</summary>
    public int PromptTokenCount => Chunks.Sum(chunk => chunk.TokenCount > 1 ? chunk.TokenCount : 0);
}
