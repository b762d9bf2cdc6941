namespace GptOss.Net.Tests;

/// <summary>A whole model, from a checkpoint to tokens, against the official implementation.</summary>
public sealed class GptOssModelTests(LoadedModels models) : IClassFixture<LoadedModels>
{
    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public async Task Concurrent_generations_give_the_official_tokens(string name)
    {
        var model = await models.Get(name);
        var cases = LoadedModels.Cases(name);

        var generated = await Task.WhenAll(cases.Select(expected => model.Ids(expected.InputIds, Generations.Greedy(32))));

        generated.Select(Shown).Should().Equal(cases.Select(expected => Shown(expected.Greedy)));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("a-awq")]
    public async Task Computed_logits_are_the_official_ones(string name)
    {
        var model = await models.Get(name);
        foreach (var expected in LoadedModels.Cases(name))
        {
            var logits = await model.ComputeLogitsAsync(expected.InputIds, TestContext.Current.CancellationToken);

            ModelFixture.RelativeError(logits.Cast<float>().ToArray(), expected.Logits).Should().BeLessThan(1e-4);
        }
    }

    [Fact]
    public async Task Many_concurrent_generations_give_the_tokens_of_solo_runs()
    {
        var model = await models.Get("a");
        var prompts = Enumerable.Range(1, 24).Select(i => Enumerable.Range(i * 7, i).ToArray()).ToArray();
        var solo = new List<int[]>();
        foreach (var prompt in prompts)
        {
            solo.Add(await model.Ids(prompt, Generations.Greedy(6)));
        }

        var together = await Task.WhenAll(prompts.Select(prompt => model.Ids(prompt, Generations.Greedy(6))));

        together.Select(Shown).Should().Equal(solo.Select(Shown));
    }

    [Theory]
    [InlineData("cpu cpu")]
    [InlineData("cpu cpu cpu")]
    public async Task Stages_that_work_at_the_same_time_give_the_official_tokens(string devices)
    {
        var placement = new PlacementOptions { Devices = [.. devices.Split(' ').Select(DeviceId.Parse)] };
        await using var model = await GptOssModel.LoadAsync(
            Fixtures.ModelDirectory("a"), LoadedModels.Options with { Placement = placement }, null, TestContext.Current.CancellationToken);
        var cases = LoadedModels.Cases("a").Concat(LoadedModels.Cases("a")).Concat(LoadedModels.Cases("a")).ToArray();

        var generated = await Task.WhenAll(cases.Select(expected => model.Ids(expected.InputIds, Generations.Greedy(32))));

        generated.Select(Shown).Should().Equal(cases.Select(expected => Shown(expected.Greedy)));
        (await model.Ids(cases[1].InputIds, Generations.Greedy(32))).Should()
            .Equal(cases[1].Greedy, "a single sequence goes through all stages, too");
    }

    [Fact]
    public async Task A_seed_gives_the_same_tokens_next_to_other_traffic()
    {
        var model = await models.Get("a");
        var options = new SamplingOptions { Seed = 42, MaxOutputTokens = 12 };
        var alone = await model.Ids([1, 2, 3], options);

        var others = Enumerable.Range(0, 6).Select(i => model.Ids([i, 9], new SamplingOptions { MaxOutputTokens = 12 })).ToArray();
        var again = await model.Ids([1, 2, 3], options);
        await Task.WhenAll(others);

        again.Should().Equal(alone);
    }

    [Fact]
    public async Task Different_seeds_give_different_tokens()
    {
        var model = await models.Get("a");

        var first = await model.Ids([1, 2, 3], new SamplingOptions { Seed = 1, MaxOutputTokens = 12 });
        var second = await model.Ids([1, 2, 3], new SamplingOptions { Seed = 2, MaxOutputTokens = 12 });

        second.Should().NotEqual(first);
    }

    [Fact]
    public async Task Blocking_and_awaited_logits_are_the_same()
    {
        var model = await models.Get("a");

        var awaited = await model.ComputeLogitsAsync([5, 6], TestContext.Current.CancellationToken);
        var blocking = model.ComputeLogits([5, 6], TestContext.Current.CancellationToken);

        blocking.Cast<float>().Should().Equal(awaited.Cast<float>());
    }

    [Fact]
    public async Task An_empty_prompt_is_refused_at_the_call()
    {
        var model = await models.Get("a");

        model.Invoking(m => m.GenerateAsync([])).Should().Throw<ArgumentException>().WithMessage("*at least one token*");
        model.Invoking(m => m.ComputeLogits([])).Should().Throw<ArgumentException>().WithMessage("*at least one token*");
        model.Invoking(m => m.GenerateAsync(null!)).Should().Throw<ArgumentNullException>();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1_024)]
    public async Task An_unknown_token_is_refused_with_its_place(int unknown)
    {
        var model = await models.Get("a");

        model.Invoking(m => m.GenerateAsync([1, 2, unknown])).Should().Throw<ArgumentOutOfRangeException>()
            .WithMessage($"Token 2 of the prompt is {unknown}; ids are 0 to 1023.*");
    }

    [Fact]
    public async Task A_prompt_that_leaves_no_room_for_an_answer_is_refused()
    {
        var model = await models.Get("a");

        model.Invoking(m => m.GenerateAsync(new int[LoadedModels.MaxModelLength])).Should().Throw<ArgumentException>()
            .WithMessage("The prompt has 256 tokens; at most 255 fit.*");
    }

    [Fact]
    public async Task The_longest_prompt_gets_one_token_and_its_logits()
    {
        var model = await models.Get("a");

        var tokens = await model.Tokens(new int[LoadedModels.MaxModelLength - 1]);
        var logits = await model.ComputeLogitsAsync(new int[LoadedModels.MaxModelLength], TestContext.Current.CancellationToken);

        tokens.Should().ContainSingle().Which.FinishReason.Should().Be(FinishReason.Length);
        logits.GetLength(0).Should().Be(LoadedModels.MaxModelLength);
    }

    [Fact]
    public async Task Options_out_of_range_are_refused_at_the_call()
    {
        var model = await models.Get("a");

        model.Invoking(m => m.GenerateAsync([1], new SamplingOptions { Temperature = -1 })).Should().Throw<ArgumentException>();
    }

    private static string Shown(int[] tokens) => string.Join(' ', tokens);
}
