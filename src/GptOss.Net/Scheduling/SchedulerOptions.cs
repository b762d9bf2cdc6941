namespace GptOss.Net.Scheduling;

/// <summary>The limits of a step.</summary>
/// <param name="MaxSequences">The most sequences that run at once.</param>
/// <param name="MaxStepTokens">The most tokens that a step computes; a longer prompt is computed in chunks.</param>
internal sealed record SchedulerOptions(int MaxSequences, int MaxStepTokens)
{
    /// <summary>Gets how many steps are computed at once, each of other sequences: one for each stage of the model.</summary>
    public int MaxStepsInFlight { get; init; } = 1;

    /// <summary>Gets how many more steps may be begun with tokens that are sampled but not read.</summary>
    public int MaxStepsAhead { get; init; }

    /// <summary>Gets a value indicating whether sequences that begin alike share what was computed.</summary>
    public bool CachesPrefixes { get; init; } = true;

    /// <summary>
    /// Gets how long a step should take at most while others wait for their next token; <see cref="Timeout.InfiniteTimeSpan"/>: as long as
    /// <see cref="MaxStepTokens"/> take.
    /// </summary>
    public TimeSpan MaxStepTime { get; init; } = Timeout.InfiniteTimeSpan;
}
