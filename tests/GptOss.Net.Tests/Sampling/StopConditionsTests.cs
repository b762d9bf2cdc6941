using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Sampling;

public sealed class StopConditionsTests
{
    [Theory]
    [InlineData(200_002)]
    [InlineData(200_012)]
    [InlineData(199_999)]
    [InlineData(17)]
    public void Stop_tokens_of_the_model_and_of_the_caller_stop(int token) =>
        new StopConditions(new SamplingOptions { StopTokenIds = [17] }).Check(token, 1).Should().Be(FinishReason.Stop);

    [Fact]
    public void The_end_of_a_message_does_not_stop() =>
        new StopConditions(new SamplingOptions()).Check(200_007, 1).Should().BeNull();

    [Fact]
    public void The_most_output_tokens_stop() =>
        new StopConditions(new SamplingOptions { MaxOutputTokens = 3 }).Check(5, 3).Should().Be(FinishReason.Length);

    [Fact]
    public void Fewer_output_tokens_go_on() =>
        new StopConditions(new SamplingOptions { MaxOutputTokens = 3 }).Check(5, 2).Should().BeNull();

    [Fact]
    public void A_stop_token_counts_before_the_length() =>
        new StopConditions(new SamplingOptions { MaxOutputTokens = 3 }).Check(200_002, 3).Should().Be(FinishReason.Stop);
}
