using DemoModel;

namespace GptOss.Net.Tests.Engine;

/// <summary>Nothing that the engine or a load does to go on needs the application's thread pool.</summary>
[Collection(BlockedThreadPool.Name)]
public sealed class BlockedThreadPoolTests
{
    [Fact]
    public void An_idle_model_wakes_up_and_answers_and_is_disposed_of() => BlockedThreadPool.Run(() =>
    {
        using var model = Create();

        model.ComputeLogits([7], CancellationToken.None).GetLength(0).Should().Be(1);
        model.ComputeLogits([7, 8], CancellationToken.None).GetLength(0).Should().Be(2);
    });

    [Fact]
    public void Generations_go_on() => BlockedThreadPool.Run(() =>
    {
        using var model = Create();
        for (var i = 0; i < 8; i++)
        {
            Begin(model, new GenerationOptions());
        }

        Wait(() => model.GetStatistics().FinishedRequests == 8);
        model.GetStatistics().GeneratedTokens.Should().Be(8 * 200);
    });

    [Fact]
    public void Deadlines_and_cancellations_are_kept() => BlockedThreadPool.Run(() =>
    {
        using var cancellation = new CancellationTokenSource();
        using var model = Create(step => Thread.Sleep(1));
        Begin(model, new GenerationOptions { Timeout = TimeSpan.FromMilliseconds(5) });
        Begin(model, new GenerationOptions(), cancellation.Token);
        Wait(() => model.GetStatistics() is { FailedRequests: 1, GeneratedTokens: > 0 });

        cancellation.Cancel();

        Wait(() => model.GetStatistics().CancelledRequests == 1);
    });

    [Fact]
    public void A_model_that_generates_is_disposed_of() => BlockedThreadPool.Run(() =>
    {
        var model = Create(step => Thread.Sleep(1));
        Begin(model, new GenerationOptions());
        Wait(() => model.GetStatistics().GeneratedTokens > 0);

        model.Dispose();

        model.GetStatistics().FailedRequests.Should().Be(1);
    });

    [Fact]
    public async Task A_model_is_loaded()
    {
        using var directory = new TemporaryDirectory();
        var folder = await DemoCheckpoint.ExtractAsync(directory.File("nano"), TestContext.Current.CancellationToken);

        BlockedThreadPool.Run(() =>
        {
            using var model = GptOssModel.LoadAsync(folder, new GptOssModelOptions { MaxModelLength = 64, MaxSequences = 1 }).GetAwaiter()
                .GetResult();

            model.ComputeLogits([7], CancellationToken.None).GetLength(1).Should().Be(model.VocabularySize);
        });
    }

    private static GptOssModel Create(Action<int>? beforeStep = null) => ScriptedModel.Create(
        new ScriptedExecutor(ScriptedModel.VocabularySize) { BeforeStep = (step, _) => beforeStep?.Invoke(step) });

    /// <summary>Submits a request; what its reader does next is the pool's business.</summary>
    private static void Begin(GptOssModel model, GenerationOptions generation, CancellationToken cancellationToken = default) =>
        _ = model.GenerateAsync([7], Generations.Greedy(200), generation, cancellationToken)
            .GetAsyncEnumerator(CancellationToken.None).MoveNextAsync().AsTask();

    private static void Wait(Func<bool> condition)
    {
        while (!condition())
        {
            Thread.Sleep(1);
        }
    }
}
