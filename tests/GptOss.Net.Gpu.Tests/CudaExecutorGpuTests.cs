using System.Text.Json;
using GptOss.Net.Checkpoint;
using GptOss.Net.Execution;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.Execution.Torch;
using GptOss.Net.KVCache;

namespace GptOss.Net.Gpu.Tests;

/// <summary>The CUDA kernels on the card at hand, against the official implementation and against themselves.</summary>
public sealed class CudaExecutorGpuTests(ITestOutputHelper output)
{
    private static readonly KVCacheCapacity Capacity = new(320, 320);

    [Theory]
    [InlineData("a", "a")]
    [InlineData("b", "b")]
    [InlineData("a-awq", "a")]
    public void Logits_are_as_near_to_float32_as_the_official_bfloat16(string model, string official)
    {
        using var fixture = new ModelFixture(model);
        using var reference = new ModelFixture(official);
        using var executor = Load(fixture);

        var ours = ModelFixture.RelativeError(
            [.. fixture.Cases.SelectMany(expected => Driver(fixture, executor, 64).Logits(expected.InputIds)[0])],
            [.. fixture.Cases.SelectMany(expected => expected.Logits)]);

        var theirs = ModelFixture.RelativeError(
            [.. reference.Cases.SelectMany(expected => expected.BFloat16Logits!)],
            [.. reference.Cases.SelectMany(expected => expected.Logits)]);
        output.WriteLine(FormattableString.Invariant($"{model}: {ours:E2}, official bfloat16 {theirs:E2}, ratio {ours / theirs:F2}"));
        (ours / theirs).Should().BeLessThanOrEqualTo(1.5);
    }

    [Theory]
    [InlineData(Precision.Int8Unembedding)]
    [InlineData(Precision.Int8Dense)]
    [InlineData(Precision.ExpandedBFloat16)]
    public void Other_precisions_are_nearly_as_near(Precision precision)
    {
        using var fixture = new ModelFixture("a");
        using var executor = Load(fixture, precision);

        var ours = ModelFixture.RelativeError(
            [.. fixture.Cases.SelectMany(expected => Driver(fixture, executor, 64).Logits(expected.InputIds)[0])],
            [.. fixture.Cases.SelectMany(expected => expected.Logits)]);

        output.WriteLine(FormattableString.Invariant($"{precision}: {ours:E2}"));
        ours.Should().BeLessThan(0.3);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void A_prompt_of_4000_tokens_ends_as_near(string model)
    {
        using var fixture = new ModelFixture(model);
        using var executor = Load(fixture);
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(fixture.Directory, "long.json")));
        using var file = SafetensorsFile.Open(Path.Combine(fixture.Directory, "long.safetensors"));
        int[] Integers(string name) => [.. json.RootElement.GetProperty(name).EnumerateArray().Select(value => value.GetInt32())];
        var vocabulary = fixture.Config.VocabularySize;

        var logits = Driver(fixture, executor, 512).Logits(Integers("input_ids"))[0];

        var rows = Integers("rows").SelectMany(row => logits.AsSpan(row * vocabulary, vocabulary).ToArray()).ToArray();
        var ours = ModelFixture.RelativeError(rows, file.Tensors.Single().ReadSingles());
        var theirs = ModelFixture.RelativeError(
            [.. fixture.Cases.SelectMany(expected => expected.BFloat16Logits!)],
            [.. fixture.Cases.SelectMany(expected => expected.Logits)]);
        output.WriteLine(FormattableString.Invariant($"{model}: {ours:E2}, official bfloat16 on up to 150 tokens {theirs:E2}"));
        ours.Should().BeLessThanOrEqualTo(1.5 * theirs);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("a-awq")]
    public void A_sequence_has_the_same_bits_alone_in_company_in_chunks_and_after_preemption(string model)
    {
        using var fixture = new ModelFixture(model);
        using var executor = Load(fixture);
        var prompt = fixture.Cases[^1].InputIds;

        CheckBits(executor, fixture.Config.SlidingWindow, prompt, [1, 2, 3, 8, 16, 17, 32, 63, 64]);
    }

    [Fact]
    public void The_shapes_of_gpt_oss_20b_have_the_same_bits_too()
    {
        using var model = Checkpoint();
        using var executor =
            new CudaExecutorLoader(model.Config, model.Weights, Capacity, Options, NoProgress()).Load(parts: null, Libraries);
        int[] prompt = [.. Enumerable.Range(0, 24).Select(i => (i * 7919) % 200_000)];

        CheckBits(executor, model.Config.SlidingWindow, prompt, [1, 2, 3, 8, 16, 17, 32, 63, 64]);
    }

    [Fact]
    public void Logits_of_these_shapes_are_near_the_references()
    {
        using var model = Checkpoint();
        Gpu.Require(1);
        int[] prompt = [.. Enumerable.Range(0, 48).Select(i => (i * 7919) % 200_000)];
        float[] ours, theirs;
        using (var executor =
            new CudaExecutorLoader(model.Config, model.Weights, Capacity, Options, NoProgress()).Load(parts: null, Libraries))
        {
            ours = new ExecutorDriver(executor, Capacity, model.Config.SlidingWindow, 64).Logits(prompt)[0];
        }

        var placement = new PlacementPlan
        {
            Stages = [new StagePlacement(DeviceId.Cuda(0), 0, model.Config.LayerCount)],
            Devices = [],
            EmbeddingDevice = DeviceId.Cuda(0),
            UnembeddingDevice = DeviceId.Cuda(0),
            MaxConcurrentSequences = 1,
            MaxSequences = 1,
            MaxModelLength = 1,
        };
        using (var reference = new TorchExecutorFactory(
            model.Config, model.Weights, Capacity, TorchSharp.torch.ScalarType.BFloat16, expandsQuantized: false, NoProgress())
            .Create(placement))
        {
            theirs = new ExecutorDriver(reference, Capacity, model.Config.SlidingWindow, 64).Logits(prompt)[0];
        }

        // Row by row: where the router is undecided, the two may take different experts, which random weights show as 0.1 to 0.3.
        var vocabulary = model.Config.VocabularySize;
        double[] errors = [.. Enumerable.Range(0, prompt.Length)
            .Select(
                row => ModelFixture.RelativeError(ours.AsSpan(row * vocabulary, vocabulary), theirs.AsSpan(row * vocabulary, vocabulary)))
            .Order()];
        output.WriteLine(FormattableString.Invariant($"median {errors[errors.Length / 2]:E2}, largest {errors[^1]:E2}"));
        errors[errors.Length / 2].Should().BeLessThan(0.1);
    }

    [Fact]
    public void All_memory_is_given_back()
    {
        using var fixture = new ModelFixture("a");
        Load(fixture).Dispose();
        var before = Gpu.FreeBytes(0);
        for (var round = 0; round < 3; round++)
        {
            using var executor = Load(fixture);
            Driver(fixture, executor, 64).Logits(fixture.Cases[0].InputIds);
        }

        Gpu.FreeBytes(0).Should().BeGreaterThanOrEqualTo(before);
    }

    [Fact]
    public void A_full_card_is_a_typed_error()
    {
        using var fixture = new ModelFixture("a");
        Gpu.RequireDevices(1);
        var load = () => new CudaExecutorLoader(fixture.Config, fixture.Weights, new KVCacheCapacity(64_000_000, 64), Options, NoProgress())
            .Load(parts: null, Libraries);

        load.Should().Throw<CudaException>().Which.IsOutOfMemory.Should().BeTrue();
        Load(fixture).Dispose(); // The card goes on.
    }

    /// <summary>
    /// The bits of a prompt's logits, computed token by token beside others, in chunks, and where the cache is too small.
    /// </summary>
    private void CheckBits(CudaExecutor executor, int window, int[] prompt, int[] batches)
    {
        ExecutorDriver Drive(int maxStepTokens, int blocks = 320) =>
            new(executor, Capacity with { FullBlocks = blocks }, window, maxStepTokens);
        var alone = Drive(256).Logits(prompt)[0];
        int[] chunks = [1, 7, 64];
        foreach (var maxStepTokens in chunks)
        {
            SameBits(Drive(maxStepTokens).Logits(prompt)[0], alone).Should().BeTrue($"in chunks of {maxStepTokens}");
        }

        var start = prompt[..Math.Min(prompt.Length, 12)];
        var expected = alone.AsSpan(0, start.Length * (alone.Length / prompt.Length)).ToArray();
        foreach (var batch in batches)
        {
            var place = batch * 5 / 7;
            int[][] company =
                [.. Enumerable.Range(0, batch).Select(i => i == place ? start : [.. start.Select(token => (token + i + 1) % 700)])];
            SameBits(Drive(batch).Logits(company)[place], expected).Should().BeTrue($"at {place} of {batch}");
        }

        output.WriteLine($"same bits in chunks of {string.Join(", ", chunks)} and in batches of {string.Join(", ", batches)}");
        int[][] four = [start, start, start, start];
        Drive(64, blocks: 5).Greedy(24, four).Should().BeEquivalentTo(Drive(64).Greedy(24, four), options => options.WithStrictOrdering());
    }

    private static CudaExecutorOptions Options => new(MaxStepTokens: 512, MaxSequences: 64, MaxModelLength: 4096);

    private static string? Libraries => Environment.GetEnvironmentVariable("GPTOSS_LIBTORCH");

    private static CudaExecutor Load(ModelFixture fixture, Precision precision = Precision.Default)
    {
        Gpu.RequireDevices(1);
        var options = Options with { Precision = precision };
        return new CudaExecutorLoader(fixture.Config, fixture.Weights, Capacity, options, NoProgress()).Load(parts: null, Libraries);
    }

    /// <summary>Four layers of the 20b's shapes with random weights: <c>benchmarks/make_checkpoint.py FOLDER --layers 4</c>.</summary>
    private static OpenCheckpoint Checkpoint()
    {
        Gpu.RequireDevices(1);
        var folder = Environment.GetEnvironmentVariable("GPTOSS_CHECKPOINT");
        Assert.SkipWhen(folder is null, "Needs GPTOSS_CHECKPOINT, a folder written by benchmarks/make_checkpoint.py --layers 4.");
        return new OpenCheckpoint(folder);
    }

    private static ExecutorDriver Driver(ModelFixture fixture, CudaExecutor executor, int maxStepTokens) =>
        new(executor, Capacity, fixture.Config.SlidingWindow, maxStepTokens);

    private static WeightReadProgress NoProgress() => new(0, (_, _) => { }, CancellationToken.None);

    private static bool SameBits(float[] left, float[] right) => left.AsSpan().SequenceEqual(right);
}
