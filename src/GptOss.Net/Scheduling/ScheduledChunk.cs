namespace GptOss.Net.Scheduling;

/// <summary>A sequence's part of a step: its next <paramref name="TokenCount"/> pending tokens, whose blocks are reserved.</summary>
internal readonly record struct ScheduledChunk(Sequence Sequence, int TokenCount)
{
    /// <summary>Gets a value indicating whether the chunk ends with the sequence's last token, so that the next one can be sampled.</summary>
    public bool ReachesEnd => TokenCount == Sequence.PendingTokens;
}
