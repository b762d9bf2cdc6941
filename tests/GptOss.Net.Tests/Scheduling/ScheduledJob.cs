namespace GptOss.Net.Tests.Scheduling;

/// <summary>A request of a simulated caller.</summary>
/// <param name="ArrivalStep">When it is submitted.</param>
/// <param name="PromptLength">Tokens given.</param>
/// <param name="OutputLength">Tokens to generate.</param>
/// <param name="CancelStep">When it is withdrawn, if it still runs.</param>
/// <param name="AnswerCount">How many answers to the prompt.</param>
public sealed record ScheduledJob(int ArrivalStep, int PromptLength, int OutputLength, int CancelStep, int AnswerCount = 1)
{
    /// <summary>Gets how urgent it is: each step up counts as ten steps of waiting.</summary>
    public int Priority { get; init; }

    public long Rank => ArrivalStep - (10 * Priority);
}
