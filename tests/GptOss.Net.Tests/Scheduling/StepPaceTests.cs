using GptOss.Net.Scheduling;

namespace GptOss.Net.Tests.Scheduling;

public sealed class StepPaceTests
{
    private static readonly SchedulerOptions Timed = new(8, 512) { MaxStepTime = TimeSpan.FromMilliseconds(100) };

    [Fact]
    public void Without_a_limit_of_time_a_step_has_as_many_tokens_as_it_may()
    {
        var pace = new StepPace(new SchedulerOptions(8, 512));
        Record(pace, 0.01, 512, 10);

        pace.PromptTokens(isAlone: false).Should().Be(512);
    }

    [Fact]
    public void The_first_steps_are_small_and_the_next_ones_fit_the_time()
    {
        var pace = new StepPace(Timed);
        pace.PromptTokens(isAlone: false).Should().Be(32);

        Record(pace, 0.001, 64, 20);

        pace.PromptTokens(isAlone: false).Should().BeInRange(95, 105);
        pace.PromptTokens(isAlone: true).Should().BeInRange(190, 210);
    }

    [Fact]
    public void Where_a_step_without_prompts_takes_the_time_already_prompts_get_as_much_again()
    {
        var pace = new StepPace(Timed);
        Record(pace, 0.2, 1, 20);
        for (var i = 0; i < 20; i++)
        {
            pace.Record(Plan(64), 0.2 + (64 * 0.001));
        }

        pace.PromptTokens(isAlone: false).Should().BeInRange(150, 250);
    }

    [Fact]
    public void A_slow_device_still_computes_prompts_in_chunks_worth_reading_the_weights()
    {
        var pace = new StepPace(Timed);
        Record(pace, 0.1, 64, 20);

        pace.PromptTokens(isAlone: false).Should().Be(16);
        pace.PromptTokens(isAlone: true).Should().Be(128);
    }

    [Theory]
    [InlineData(0.4, 100)] // of the time that a step takes on two cores of 2026 with 4 layers of the 20b shape
    [InlineData(1, 100)]
    [InlineData(2.2, 170)]
    public void A_step_with_prompts_takes_the_time_on_a_fast_machine_and_a_slow_one(double slowness, double milliseconds)
    {
        // 25 ms without prompts, 15 for the weights of all experts, and for each token more the longer its context is.
        double Seconds(int tokens, int position) =>
            slowness * (tokens == 0 ? 0.025 : 0.040 + (tokens * (0.0016 + (position * 0.00000018))));
        var pace = new StepPace(Timed);
        pace.Record(Plan(1), Seconds(0, 0));
        var (position, longest) = (0, 0.0);
        for (var step = 0; position < 4_000; step++)
        {
            var tokens = pace.PromptTokens(isAlone: false);
            var seconds = Seconds(tokens, position);
            pace.Record(Plan(tokens), seconds);
            position += tokens;
            longest = step < 5 ? 0 : Math.Max(longest, seconds);
        }

        (1_000 * longest).Should().BeInRange(0.9 * milliseconds, 1.1 * milliseconds);
    }

    [Fact]
    public void A_single_late_step_does_not_count_for_much()
    {
        var pace = new StepPace(Timed);
        Record(pace, 0.0002, 400, 20);
        pace.Record(Plan(400), 0.5);

        pace.PromptTokens(isAlone: false).Should().BeGreaterThan(150);
    }

    private static void Record(StepPace pace, double secondsPerToken, int tokens, int times)
    {
        for (var i = 0; i < times; i++)
        {
            pace.Record(Plan(tokens), secondsPerToken * tokens);
        }
    }

    private static StepPlan Plan(int tokens) => new([new ScheduledChunk(new Sequence(new int[tokens]), tokens)], []);
}
