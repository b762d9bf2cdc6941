namespace GptOss.Net.Scheduling;

/// <summary>What the next step computes.</summary>
internal sealed record StepPlan(IReadOnlyList<ScheduledChunk> Chunks)
{
    public bool IsEmpty => Chunks.Count == 0;

    public int TokenCount => Chunks.Sum(chunk => chunk.TokenCount);
}
