namespace GptOss.Net.Scheduling;

/// <summary>A step while it is planned: what is in it and what room it has left.</summary>
internal sealed class StepDraft(int maxTokens, int maxChunks)
{
    private readonly List<ScheduledChunk> _chunks = [];

    public IReadOnlyList<ScheduledChunk> Chunks => _chunks;

    public int TokensLeft { get; private set; } = maxTokens;

    public bool IsFull => TokensLeft == 0 || _chunks.Count >= maxChunks;

    public void Add(Sequence sequence, int tokenCount)
    {
        _chunks.Add(new ScheduledChunk(sequence, tokenCount));
        TokensLeft -= tokenCount;
    }
}
