using GptOss.Net.Tests.Model;

namespace GptOss.Net.Tests;

/// <summary>Loading, and that nothing stays behind: these tests count the process's tensors.</summary>
[Collection(TensorCounts.Name)]
public sealed class GptOssModelLoadTests
{
    static GptOssModelLoadTests() => TorchRuntime.EnsureLoaded();

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("a-awq")]
    public async Task Progress_rises_from_nothing_to_everything(string name)
    {
        var progress = new LoadProgressRecorder();

        await using (await Load(name, progress))
        {
            progress.Reports[0].ReadBytes.Should().Be(0);
            progress.Reports.Should().BeInAscendingOrder(report => report.ReadBytes);
            progress.Reports[^1].Fraction.Should().Be(1);
        }
    }

    [Theory]
    [InlineData(Precision.ReferenceFloat32)]
    [InlineData(Precision.ExpandedBFloat16)]
    public async Task A_disposed_model_leaves_no_tensors(Precision precision)
    {
        var before = TensorCounts.Take();

        await using (var model = await GptOssModel.LoadAsync(
            Fixtures.ModelDirectory("a-awq"), LoadedModels.Options with { Precision = precision }, null,
            TestContext.Current.CancellationToken))
        {
            await model.Ids([1, 2, 3], Generations.Greedy(3));
        }

        TorchSharp.torch.Tensor.TotalCount.Should().Be(before);
    }

    [Fact]
    public async Task A_checkpoint_without_quantization_computes_the_same_and_leaves_no_tensors()
    {
        using var directory = new TemporaryDirectory();
        var draft = new CheckpointDraft("a");
        Array.ForEach(draft.Mxfp4Matrices(), draft.ExpandMxfp4);
        draft.Config.Remove("quantization_config");
        draft.Write(directory.Path);
        var expected = LoadedModels.Cases("a")[2];
        var before = TensorCounts.Take();

        await using (var model = await GptOssModel.LoadAsync(
            directory.Path, LoadedModels.Options, null, TestContext.Current.CancellationToken))
        {
            var logits = await model.ComputeLogitsAsync(expected.InputIds, TestContext.Current.CancellationToken);

            ModelFixture.RelativeError(logits.Cast<float>().ToArray(), expected.Logits).Should().BeLessThan(1e-4);
        }

        TorchSharp.torch.Tensor.TotalCount.Should().Be(before);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.5)]
    [InlineData(1)]
    public async Task Cancelled_loading_leaves_no_tensors(double fraction)
    {
        using var cancellation = new CancellationTokenSource();
        var progress = new LoadProgressRecorder(report => CancelFrom(fraction, report, cancellation));
        var before = TensorCounts.Take();

        var loading = () => Load("a", progress, cancellation.Token);

        await loading.Should().ThrowAsync<OperationCanceledException>();
        progress.Reports.Count(report => report.Fraction >= fraction).Should().BeLessThanOrEqualTo(2, "reading stops at once");
        TorchSharp.torch.Tensor.TotalCount.Should().Be(before);
    }

    [Fact]
    public async Task A_progress_that_fails_ends_loading_and_leaves_no_tensors()
    {
        var progress = new LoadProgressRecorder(report => _ = report.ReadBytes > 0 ? throw new InvalidOperationException("No.") : 0);
        var before = TensorCounts.Take();

        var loading = () => Load("a", progress);

        await loading.Should().ThrowAsync<InvalidOperationException>();
        TorchSharp.torch.Tensor.TotalCount.Should().Be(before);
    }

    [Fact]
    public async Task Loading_that_was_cancelled_before_reads_nothing()
    {
        var progress = new LoadProgressRecorder();

        var loading = () => Load("a", progress, new CancellationToken(canceled: true));

        await loading.Should().ThrowAsync<OperationCanceledException>();
        progress.Reports.Should().BeEmpty();
    }

    [Fact]
    public async Task More_positions_than_the_model_knows_are_refused()
    {
        var loading = () => GptOssModel.LoadAsync(
            Fixtures.ModelDirectory("a"), LoadedModels.Options with { MaxModelLength = 1_000_000 }, null,
            TestContext.Current.CancellationToken);

        await loading.Should().ThrowAsync<ArgumentException>().WithMessage("*1,000,000*4,096*");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8_193)]
    public async Task A_step_of_no_tokens_or_too_many_is_refused(int maxStepTokens)
    {
        var loading = () => GptOssModel.LoadAsync(
            Fixtures.ModelDirectory("a"), LoadedModels.Options with { MaxStepTokens = maxStepTokens }, null,
            TestContext.Current.CancellationToken);

        await loading.Should().ThrowAsync<ArgumentOutOfRangeException>().WithMessage("*MaxStepTokens*");
    }

    /// <summary>1,000 answers of 2 tokens, 50 at a time, a third of them abandoned or cancelled midway.</summary>
    [Fact]
    public async Task A_thousand_answers_leave_no_tensors()
    {
        await using var model = await Load("a");
        await model.Ids([1], Generations.Greedy(2));
        var before = TensorCounts.Take();

        for (var round = 0; round < 20; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 50).Select(i => i % 3 == 0 ? Leave(model, i) : model.Ids([i], Generations.Greedy(2))));
        }

        await model.Ids([1], Generations.Greedy(2));
        TorchSharp.torch.Tensor.TotalCount.Should().Be(before);
    }

    private static async Task Leave(GptOssModel model, int token)
    {
        await foreach (var _
            in model.GenerateAsync([token], Generations.Greedy(100), cancellationToken: TestContext.Current.CancellationToken))
        {
            break;
        }
    }

    private static Task<GptOssModel> Load(
        string name, IProgress<LoadProgress>? progress = null, CancellationToken? cancellationToken = null) =>
        GptOssModel.LoadAsync(
            Fixtures.ModelDirectory(name), LoadedModels.Options, progress, cancellationToken ?? TestContext.Current.CancellationToken);

    private static void CancelFrom(double fraction, LoadProgress report, CancellationTokenSource cancellation)
    {
        if (report.Fraction >= fraction)
        {
            cancellation.Cancel();
        }
    }
}
