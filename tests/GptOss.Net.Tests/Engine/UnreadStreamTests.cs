namespace GptOss.Net.Tests.Engine;

/// <summary>A reader that does not come back.</summary>
public sealed class UnreadStreamTests
{
    [Fact]
    public async Task A_stream_that_is_not_read_ends_with_its_reason_and_gives_its_place_to_others()
    {
        using var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize), maxSequences: 1);
        await using var reader = Read(model, new GenerationOptions { MaxUnreadTokens = 20 });
        (await reader.MoveNextAsync()).Should().BeTrue();

        (await model.Ids([7], Generations.Greedy(3))).Should().Equal([8, 9, 10], "the one before has left");

        var read = 1;
        var rest = async () =>
        {
            while (await reader.MoveNextAsync())
            {
                read++;
            }
        };
        (await rest.Should().ThrowAsync<UnreadTokensException>()).WithMessage("*20*MaxUnreadTokens*");
        read.Should().BeGreaterThanOrEqualTo(21, "what was generated can be read");
    }

    [Fact]
    public async Task A_stream_that_is_read_goes_on()
    {
        var read = new SemaphoreSlim(1);
        var executor =
            new ScriptedExecutor(ScriptedModel.VocabularySize) { BeforeStep = (_, _) => read.Wait(TestContext.Current.CancellationToken) };
        using var model = ScriptedModel.Create(executor);
        await using var reader = Read(model, new GenerationOptions { MaxUnreadTokens = 1 });
        for (var i = 0; i < 50; i++)
        {
            (await reader.MoveNextAsync()).Should().BeTrue();
            read.Release();
        }
    }

    [Fact]
    public void A_bound_below_one_is_refused()
    {
        using var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize));

        var generation = () => model.GenerateAsync([7], generation: new GenerationOptions { MaxUnreadTokens = 0 });

        generation.Should().Throw<ArgumentOutOfRangeException>();
    }

    private static IAsyncEnumerator<GeneratedToken> Read(GptOssModel model, GenerationOptions generation) =>
        model.GenerateAsync([7], Generations.Greedy(500), generation, TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
}
