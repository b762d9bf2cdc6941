namespace GptOss.Net.Tests.Engine;

/// <summary>What a failed step does to the model.</summary>
public sealed class ModelHealthTests
{
    [Fact]
    public async Task A_model_whose_device_still_works_goes_on_after_a_failed_step()
    {
        using var model = ScriptedModel.Create(FailingAtStep(2, continues: true));

        await model.Awaiting(failing => failing.Ids([7], Generations.Greedy(5))).Should().ThrowAsync<GptOssException>();

        model.Health.Should().Be(ModelHealth.Ready);
        (await model.Ids([7], Generations.Greedy(3))).Should().Equal(8, 9, 10);
    }

    [Fact]
    public async Task A_model_whose_device_is_lost_says_so_and_fails_all_that_runs_waits_or_comes()
    {
        var executor = FailingAtStep(2, continues: false);
        var model = ScriptedModel.Create(executor, maxSequences: 1);
        var requests = Enumerable.Range(1, 3).Select(i => model.Ids([i * 100], Generations.Greedy(5))).ToArray();

        foreach (var request in requests)
        {
            await request.Awaiting(task => task).Should().ThrowAsync<GptOssException>();
        }

        model.Health.Should().Be(ModelHealth.Faulted);
        (await model.Awaiting(lost => lost.Ids([7])).Should().ThrowAsync<GptOssException>()).WithMessage("*load the model again*");
        await model.DisposeAsync();
        model.Dispose();
        model.Health.Should().Be(ModelHealth.Faulted);
        executor.IsDisposed.Should().BeTrue();
    }

    [Fact]
    public async Task A_disposed_model_says_so()
    {
        var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize));
        await model.DisposeAsync();

        model.Health.Should().Be(ModelHealth.Disposed);
    }

    [Fact]
    public async Task Prompts_do_not_begin_with_what_a_sequence_computed_whose_logits_were_not_finite()
    {
        var prompt = Enumerable.Range(100, 40).ToArray();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            Logits = (token, _, row) => row[3] = token == 600 ? float.NaN : 0,
        };
        using var model = ScriptedModel.Create(executor);
        (await model.Tokens(prompt, Generations.Greedy(1)))[0].CachedPromptTokens.Should().Be(0);
        (await model.Tokens(prompt, Generations.Greedy(1)))[0].CachedPromptTokens.Should().Be(32);

        await model.Awaiting(poisoned => poisoned.Ids([600])).Should().ThrowAsync<NonFiniteLogitsException>();

        (await model.Tokens(prompt, Generations.Greedy(1)))[0].CachedPromptTokens.Should().Be(0);
    }

    private static ScriptedExecutor FailingAtStep(int failing, bool continues) => new(ScriptedModel.VocabularySize)
    {
        Continues = continues,
        BeforeStep = (step, _) =>
        {
            if (step == failing)
            {
                throw new InvalidOperationException("An illegal memory access was encountered.");
            }
        },
    };
}
