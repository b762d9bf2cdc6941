using GptOss.Net.Engine;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Tests.Engine;

public sealed class StepSlowdownTests
{
    private readonly StepSlowdown _slowdown = new();

    [Fact]
    public void Steps_that_take_many_times_as_long_as_the_fastest_are_told_once()
    {
        Record(0.01, 100).Should().Be(0);

        Record(0.1, 200).Should().Be(1);

        _slowdown.Ratio.Should().BeApproximately(10, 0.1);
    }

    [Fact]
    public void They_are_told_again_after_steps_were_fast_meanwhile()
    {
        Record(0.01, 100);
        Record(0.1, 200);
        Record(0.01, 200).Should().Be(0);

        Record(0.1, 200).Should().Be(1);
    }

    [Fact]
    public void A_few_late_steps_are_not_told() =>
        Enumerable.Range(0, 50).Sum(_ => Record(0.01, 40) + Record(0.1, 1)).Should().Be(0);

    [Fact]
    public void Steps_with_more_sequences_longer_contexts_or_prompts_are_no_slow_steps()
    {
        Record(0.01, 100).Should().Be(0);
        Record(0.1, 200, sequences: 8).Should().Be(0);
        Record(0.1, 200, context: 10_000).Should().Be(0);
        Record(0.1, 200, tokens: 64).Should().Be(0);
    }

    /// <summary>Records equal steps and counts how often they are to be told.</summary>
    private int Record(double seconds, int times, int sequences = 1, int context = 100, int tokens = 1)
    {
        var chunks = Enumerable.Range(0, sequences).Select(_ => new ScheduledChunk(new Sequence(new int[context]), tokens)).ToArray();
        return Enumerable.Range(0, times).Count(_ => _slowdown.Record(new StepPlan(chunks, []), seconds));
    }
}
