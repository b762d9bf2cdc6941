namespace GptOss.Net.Scheduling;

/// <summary>A step while it is planned: what is in it and what room it has left.</summary>
internal sealed class StepDraft(int maxTokens, int maxChunks)
{
    private readonly List<ScheduledChunk> _chunks = [];

    public IReadOnlyList<ScheduledChunk> Chunks => _chunks;

    public int TokensLeft { get; private set; } = maxTokens;

    public bool IsFull => TokensLeft == 0 || _chunks.Count >= maxChunks;

    /// <summary>From now on at most so many tokens more.</summary>
    public void Limit(int tokens) => TokensLeft = Math.Min(TokensLeft, tokens);

    /// <summary>Adds tokens of a sequence: to its chunk, if it has one in the step.</summary>
    public void Add(Sequence sequence, int tokenCount)
    {
        var index = _chunks.Count - 1;
        while (index >= 0 && _chunks[index].Sequence != sequence)
        {
            index--;
        }

        if (index < 0)
        {
            _chunks.Add(new ScheduledChunk(sequence, tokenCount));
        }
        else
        {
            _chunks[index] = new ScheduledChunk(sequence, _chunks[index].TokenCount + tokenCount);
        }

        TokensLeft -= tokenCount;
    }

    /// <summary>Adds the token that the newest step of a sequence samples.</summary>
    public void AddAhead(Sequence sequence)
    {
        _chunks.Add(new ScheduledChunk(sequence, 1) { Ahead = sequence.TokensInFlight });
        TokensLeft--;
    }

    public bool Has(Sequence sequence) => _chunks.Exists(chunk => chunk.Sequence == sequence);

    /// <summary>How many tokens of a sequence are in the step.</summary>
    public int TokensOf(Sequence sequence) => _chunks.Find(chunk => chunk.Sequence == sequence).TokenCount;
}
