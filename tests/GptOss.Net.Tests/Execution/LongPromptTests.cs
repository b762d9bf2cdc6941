using System.Text.Json;
using GptOss.Net.Checkpoint;
using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.Execution;

/// <summary>A prompt of 4,000 tokens: what is right near the beginning can drift with the position.</summary>
public sealed class LongPromptTests
{
    private const int Length = 4000;
    private const int FirstRow = 3000;
    private static readonly KVCacheCapacity Capacity = new(Length / PagedKVCache.BlockSize + 1, Length / PagedKVCache.BlockSize + 1);

    [Theory]
    [InlineData("a", Length)]
    [InlineData("a", 300)]
    [InlineData("b", Length)]
    [InlineData("b", 300)]
    public void The_CPU_kernels_give_the_official_logits_at_the_end(string model, int maxStepTokens)
    {
        using var fixture = new ModelFixture(model);
        using var executor = CpuExecutor.Load(
            fixture.Config, fixture.Weights, Capacity, CpuExecutorOptions.Exact with { Threads = 2 }, NoProgress());

        ErrorAtTheEnd(fixture, executor, maxStepTokens).Should().BeLessThan(1e-4);
    }

    [Theory]
    [InlineData("a", Length)]
    [InlineData("a", 300)]
    [InlineData("b", Length)]
    [InlineData("b", 300)]
    public void The_reference_gives_the_official_logits_at_the_end(string model, int maxStepTokens)
    {
        Assert.SkipUnless(
            LongTests.Enabled || model is "b" || maxStepTokens < Length, "Takes a minute: set GPTOSS_LONG_TESTS=1 to run it.");
        using var fixture = new ModelFixture(model);
        using var executor = LoadedExecutors.Load(fixture, capacity: Capacity);

        ErrorAtTheEnd(fixture, executor, maxStepTokens).Should().BeLessThan(1e-4);
    }

    /// <summary>The relative error over the expected rows from <see cref="FirstRow"/> on.</summary>
    private static double ErrorAtTheEnd(ModelFixture fixture, IModelExecutor executor, int maxStepTokens)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(fixture.Directory, "long.json")));
        using var file = SafetensorsFile.Open(Path.Combine(fixture.Directory, "long.safetensors"));
        var prompt = Integers(json.RootElement.GetProperty("input_ids"));
        var rows = Integers(json.RootElement.GetProperty("rows"));
        var official = file.Tensors.Single().ReadSingles();
        prompt.Should().HaveCount(Length);

        var logits = new ExecutorDriver(executor, Capacity, fixture.Config.SlidingWindow, maxStepTokens).Logits(prompt)[0];

        var vocabulary = fixture.Config.VocabularySize;
        var first = Array.FindIndex(rows, row => row >= FirstRow);
        var actual = rows[first..].SelectMany(row => logits.AsSpan(row * vocabulary, vocabulary).ToArray()).ToArray();
        var error = ModelFixture.RelativeError(actual, official.AsSpan(first * vocabulary));
        TestContext.Current.TestOutputHelper!.WriteLine(FormattableString.Invariant($"{error:E2}"));
        return error;
    }

    private static int[] Integers(JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetInt32())];

    private static WeightReadProgress NoProgress() => new(0, (_, _) => { }, CancellationToken.None);
}
