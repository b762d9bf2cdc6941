namespace GptOss.Net.Scheduling;

/// <summary>The limits of a step.</summary>
/// <param name="MaxSequences">The most sequences that run at once.</param>
/// <param name="MaxStepTokens">The most tokens that a step computes; a longer prompt is computed in chunks.</param>
internal sealed record SchedulerOptions(int MaxSequences, int MaxStepTokens);
