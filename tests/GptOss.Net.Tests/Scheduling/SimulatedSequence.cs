using GptOss.Net.Scheduling;

namespace GptOss.Net.Tests.Scheduling;

/// <summary>One answer to a job's prompt.</summary>
/// <param name="job">What was asked for.</param>
/// <param name="prompt">Its tokens, which the other answers have as well.</param>
/// <param name="firstToken">From where its own tokens are counted, which no other sequence has.</param>
/// <param name="followers">The other answers, which go on from where this one has computed the prompt.</param>
internal sealed class SimulatedSequence(ScheduledJob job, int[] prompt, int firstToken, IReadOnlyList<SimulatedSequence> followers)
{
    public ScheduledJob Job { get; } = job;

    public Sequence Sequence { get; } = new(prompt) { Rank = job.Rank, Priority = job.Priority };

    public IReadOnlyList<SimulatedSequence> Followers { get; } = followers;

    /// <summary>Gets or sets for how many steps it could have computed its next token and did not.</summary>
    public int StepsLeftOut { get; set; }

    public bool IsFinished => Sequence.Status == SequenceStatus.Finished;

    public bool IsComplete => Sequence.Tokens.Count == Job.PromptLength + Job.OutputLength;

    public bool HasItsTokens => Sequence.Tokens.SequenceEqual([.. prompt, .. Output(Sequence.Tokens.Count - Job.PromptLength)]);

    public bool IsFollower(IEnumerable<SimulatedSequence> all) => all.Any(sequence => sequence.Followers.Contains(this));

    public void Append() => Sequence.Append(Output(Sequence.Tokens.Count - Job.PromptLength + 1).Last());

    public SequenceObservation Observe() => new(
        Sequence, Sequence.Status, Sequence is { Status: SequenceStatus.Running, PendingTokens: 1 }, Sequence.IsInFlight);

    private IEnumerable<int> Output(int count) => Enumerable.Range(firstToken + Job.PromptLength + 1, count);
}
