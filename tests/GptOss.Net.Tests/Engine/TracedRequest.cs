namespace GptOss.Net.Tests.Engine;

/// <summary>One request of a random trace.</summary>
/// <param name="Begins">Which earlier request's prompt and how much of it this one begins with.</param>
/// <param name="NewTokens">How many tokens of its own the prompt has, at least 1.</param>
/// <param name="OutputLength">How many tokens to draw.</param>
/// <param name="Answers">How many answers to the prompt.</param>
/// <param name="Priority">Its place among others.</param>
/// <param name="Tenant">With whom it may share; 0: with all that name nobody.</param>
/// <param name="ReadTokens">After how many tokens its reader leaves; most never do.</param>
/// <param name="Pause">After how many tokens of an earlier one it starts.</param>
internal sealed record TracedRequest(
    (int Request, int Tokens) Begins, int NewTokens, int OutputLength, int Answers, int Priority, int Tenant, int ReadTokens, int Pause)
{
    public GenerationOptions Generation => new() { Priority = Priority, CacheSalt = Tenant == 0 ? null : $"tenant {Tenant}" };
}
