namespace GptOss.Net.Scheduling;

/// <summary>A sequence's part of a step: its next <paramref name="TokenCount"/> pending tokens, whose blocks are reserved.</summary>
internal readonly record struct ScheduledChunk(Sequence Sequence, int TokenCount)
{
    /// <summary>Gets how many of the sequence's tokens are computed by steps in flight before this one; 0 unless it runs ahead.</summary>
    public int Ahead { get; init; }

    /// <summary>Gets the position of the first token; while no step before it has ended.</summary>
    public int Start => Sequence.Blocks.ComputedTokens + Ahead;

    /// <summary>
    /// Gets a value indicating whether the chunk ends with the sequence's last token, so that the next one can be sampled.
    /// </summary>
    public bool ReachesEnd => Ahead > 0 || TokenCount == Sequence.PendingTokens;
}
