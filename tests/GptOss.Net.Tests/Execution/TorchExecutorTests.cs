namespace GptOss.Net.Tests.Execution;

/// <summary>The reference executor against the official implementation.</summary>
public sealed class TorchExecutorTests(LoadedExecutors executors) : IClassFixture<LoadedExecutors>
{
    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("a-awq")]
    public void Float32_logits_are_the_official_ones(string model)
    {
        foreach (var expected in executors.Fixture(model).Cases)
        {
            var logits = executors.Driver(model).Logits(expected.InputIds)[0];

            ModelFixture.RelativeError(logits, expected.Logits).Should().BeLessThan(1e-4);
        }
    }

    [Theory]
    [InlineData("a", 1)]
    [InlineData("a", 7)]
    [InlineData("a", 64)]
    [InlineData("b", 7)]
    [InlineData("b", 64)]
    [InlineData("a-awq", 7)]
    [InlineData("a-awq", 64)]
    public void Prompts_computed_together_in_chunks_give_the_official_logits(string model, int maxStepTokens)
    {
        var cases = executors.Fixture(model).Cases;

        var logits = executors.Driver(model, maxStepTokens).Logits(Prompts(model));

        for (var i = 0; i < cases.Count; i++)
        {
            ModelFixture.RelativeError(logits[i], cases[i].Logits).Should().BeLessThan(1e-4);
        }
    }

    [Theory]
    [InlineData("a", 1, 2)]
    [InlineData("a", 7, 1)]
    [InlineData("a", 64, 3)]
    [InlineData("b", 1, 3)]
    [InlineData("b", 7, 2)]
    [InlineData("b", 64, 1)]
    public void Greedy_tokens_are_the_official_ones(string model, int maxStepTokens, int stages)
    {
        var tokens = executors.Driver(model, maxStepTokens, stages: stages).Greedy(32, Prompts(model));

        Shown(tokens).Should().Equal(Shown(executors.Fixture(model).Cases.Select(expected => expected.Greedy)));
    }

    [Fact]
    public void Sequences_that_lose_their_blocks_give_the_same_tokens()
    {
        // The longest prompt needs twelve blocks at its end; the four together need seventeen.
        var tokens = executors.Driver("a", fullBlocks: 13).Greedy(32, Prompts("a"));

        Shown(tokens).Should().Equal(Shown(executors.Fixture("a").Cases.Select(expected => expected.Greedy)));
    }

    [Fact]
    public void A_sequence_has_the_same_bits_alone_and_in_company()
    {
        var together = executors.Driver("a").Logits(Prompts("a"));

        for (var i = 0; i < together.Length; i++)
        {
            SameBits(executors.Driver("a").Logits(Prompts("a")[i])[0], together[i]).Should().BeTrue();
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Stages_have_the_same_bits_as_one_device(int stages)
    {
        foreach (var prompt in Prompts("a"))
        {
            var one = executors.Driver("a", 64).Logits(prompt)[0];
            var several = executors.Driver("a", 64, stages: stages).Logits(prompt)[0];

            SameBits(one, several).Should().BeTrue();
        }
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void Bfloat16_is_as_near_to_float32_as_the_official_bfloat16(string model)
    {
        foreach (var expected in executors.Fixture(model).Cases)
        {
            var logits = executors.Driver(model, float32: false).Logits(expected.InputIds)[0];

            var ours = ModelFixture.RelativeError(logits, expected.Logits);
            var official = ModelFixture.RelativeError(expected.BFloat16Logits, expected.Logits);
            TestContext.Current.TestOutputHelper!.WriteLine(FormattableString.Invariant(
                $"{expected.InputIds.Length} tokens: {ours:E2}, official {official:E2}, ratio {ours / official:F2}"));
            (ours / official).Should().BeLessThanOrEqualTo(1.5);
        }
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("a", false)]
    [InlineData("a-awq", true)]
    public void Expanded_weights_have_the_same_bits_as_packed_ones(string model, bool float32)
    {
        var packed = executors.Driver(model, float32: float32).Logits(Prompts(model));
        var expanded = executors.Driver(model, float32: float32, expands: true).Logits(Prompts(model));

        packed.Zip(expanded, SameBits).Should().AllBeEquivalentTo(true);
    }

    private static bool SameBits(float[] left, float[] right) => left.AsSpan().SequenceEqual(right);

    private static IEnumerable<string> Shown(IEnumerable<int[]> tokens) => tokens.Select(ids => string.Join(' ', ids));

    private int[][] Prompts(string model) => [.. executors.Fixture(model).Cases.Select(expected => expected.InputIds)];
}
