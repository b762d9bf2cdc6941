using GptOss.Net.Execution;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>The CUDA executor as a whole, on emulated kernels, against the official implementation and against itself.</summary>
public sealed class CudaExecutorTests
{
    private const int ShortPrompt = 40;

    private static readonly KVCacheCapacity Capacity = new(64, 64);

    [Theory]
    [InlineData("a", "a")]
    [InlineData("b", "b")]
    [InlineData("a-awq", "a")]
    public void Logits_are_as_near_to_float32_as_the_official_bfloat16(string model, string official)
    {
        // Over all prompts: in a's third token the router's second place is decided by 0.01, which any bfloat16 may decide otherwise.
        using var fixture = new ModelFixture(model);
        using var reference = new ModelFixture(official);
        using var executor = Load(fixture, new EmulatedCudaDriver());
        float[] Joined(IEnumerable<float[]> parts) => [.. parts.SelectMany(part => part)];

        var ours = ModelFixture.RelativeError(
            Joined(fixture.Cases.Select(expected => Driver(fixture, executor, 64).Logits(expected.InputIds)[0])),
            Joined(fixture.Cases.Select(expected => expected.Logits)));

        var theirs = ModelFixture.RelativeError(
            Joined(reference.Cases.Select(expected => expected.BFloat16Logits!)),
            Joined(reference.Cases.Select(expected => expected.Logits)));
        TestContext.Current.TestOutputHelper!.WriteLine(
            FormattableString.Invariant($"{ours:E2}, official {theirs:E2}, ratio {ours / theirs:F2}"));
        (ours / theirs).Should().BeLessThanOrEqualTo(1.5);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("a-awq")]
    public void Logits_have_the_same_bits_in_any_order_of_turns(string model)
    {
        using var fixture = new ModelFixture(model);
        var results = EmulatedCudaDriver.TurnOrders.Select(order =>
        {
            using var executor = Load(fixture, new EmulatedCudaDriver(order));
            return Driver(fixture, executor, 24).Logits(ShortPrompts(fixture));
        }).ToArray();

        results.Should().AllSatisfy(result => result.Zip(results[0], SameBits).Should().AllBeEquivalentTo(true));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void A_sequence_has_the_same_bits_alone_in_company_and_in_chunks(string model)
    {
        using var fixture = new ModelFixture(model);
        using var executor = Load(fixture, new EmulatedCudaDriver());
        var prompts = ShortPrompts(fixture);
        var alone = prompts.Select(prompt => Driver(fixture, executor, 64).Logits(prompt)[0]).ToArray();

        foreach (var (count, maxStepTokens) in new[] { (1, 1), (1, 13), (3, 7), (5, 64) })
        {
            var company = Enumerable.Range(0, count).SelectMany(_ => prompts).ToArray();
            var together = Driver(fixture, executor, maxStepTokens).Logits(company);

            together.Select((logits, i) => SameBits(logits, alone[i % alone.Length])).Should().AllBeEquivalentTo(true);
        }
    }

    [Fact]
    public void Sequences_that_lose_their_blocks_give_the_same_tokens()
    {
        using var fixture = new ModelFixture("a");
        using var executor = Load(fixture, new EmulatedCudaDriver());
        var prompts = ShortPrompts(fixture);

        var enough = Driver(fixture, executor, 64).Greedy(24, prompts);
        var scarce = new ExecutorDriver(executor, Capacity with { FullBlocks = 5 }, fixture.Config.SlidingWindow, 64).Greedy(24, prompts);

        scarce.Should().BeEquivalentTo(enough, options => options.WithStrictOrdering());
    }

    [Theory]
    [InlineData(Precision.Int8Unembedding, 0.05)]
    [InlineData(Precision.Int8Dense, 0.2)]
    public void Int8_stays_near_what_is_stored_and_does_not_depend_on_the_batch(Precision precision, double most)
    {
        using var fixture = new ModelFixture("b");
        using var exact = Load(fixture, new EmulatedCudaDriver());
        using var executor = Load(fixture, new EmulatedCudaDriver(), precision: precision);
        var prompt = fixture.Cases[1].InputIds;

        var logits = Driver(fixture, executor, 64).Logits(prompt)[0];

        ModelFixture.RelativeError(logits, Driver(fixture, exact, 64).Logits(prompt)[0]).Should().BeInRange(1e-4, most);
        SameBits(Driver(fixture, executor, 1).Logits(prompt)[0], logits).Should().BeTrue();
        Driver(fixture, executor, 64).Logits(prompt, prompt, prompt).Should().OnlyContain(other => SameBits(other, logits));
    }

    [Fact]
    public void Dispose_gives_back_all_memory_of_the_device()
    {
        using var fixture = new ModelFixture("a");
        var driver = new EmulatedCudaDriver();
        var executor = Load(fixture, driver);
        driver.AllocatedBytes.Should().BePositive();

        executor.Dispose();

        driver.AllocatedBytes.Should().Be(0);
    }

    [Fact]
    public void A_device_that_is_lost_fails_the_step_that_runs_and_says_so()
    {
        using var fixture = new ModelFixture("a");
        var driver = new EmulatedCudaDriver();
        using var executor = Load(fixture, driver);
        var step = new PackedSequence(fixture.Cases[1].InputIds, [0], [0]).Step(0, 5);
        executor.Begin(step);
        driver.IsLost = true;

        executor.Invoking(lost => lost.Complete()).Should().Throw<CudaException>().Which.Code.Should().Be(700);
        executor.CanContinue().Should().BeFalse();
        executor.Begin(step);
        executor.Invoking(lost => lost.Complete()).Should().Throw<CudaException>();
    }

    [Fact]
    public void Kernels_that_disagree_are_found_before_the_model_is_used()
    {
        using var fixture = new ModelFixture("a");
        using var counting = Load(fixture, new EmulatedCudaDriver(), tests: true);
        var driver = new EmulatedCudaDriver { FaultyLaunch = ((EmulatedCudaDriver)counting.Driver).Launches - 40 };

        var load = () => Load(fixture, driver, tests: true);

        load.Should().Throw<CudaException>().WithMessage("*do not agree*decoding one of*values differ*");
        driver.AllocatedBytes.Should().Be(0);
    }

    [Fact]
    public void A_load_that_is_cancelled_leaves_nothing_allocated()
    {
        using var fixture = new ModelFixture("a");
        var driver = new EmulatedCudaDriver();
        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();

        var load = () => Load(fixture, driver, new WeightReadProgress(1, (_, _) => { }, cancellation.Token));

        load.Should().Throw<OperationCanceledException>();
        driver.AllocatedBytes.Should().Be(0);
    }

    internal static CudaExecutor Load(
        ModelFixture fixture, EmulatedCudaDriver driver, WeightReadProgress? progress = null, Precision precision = Precision.Default,
        bool tests = false)
    {
        EmulatedKernelCompiler.Require();
        var loader = new CudaExecutorLoader(
            fixture.Config,
            fixture.Weights,
            Capacity,
            new CudaExecutorOptions(MaxStepTokens: 64, MaxSequences: 16, MaxModelLength: 512)
            {
                Precision = precision,
                TestsItself = tests,
            },
            progress ?? new WeightReadProgress(fixture.Weights.ByteLength, (_, _) => { }, CancellationToken.None));
        return loader.Load([loader.Whole(DeviceId.Cuda(0))], [driver], _ => new EmulatedKernelCompiler(), EmulatedKernelCompiler.Cache);
    }

    private static ExecutorDriver Driver(ModelFixture fixture, CudaExecutor executor, int maxStepTokens) =>
        new(executor, Capacity, fixture.Config.SlidingWindow, maxStepTokens);

    private static int[][] ShortPrompts(ModelFixture fixture) =>
        [.. fixture.Cases.Select(expected => expected.InputIds).Where(prompt => prompt.Length <= ShortPrompt)];

    private static bool SameBits(float[] left, float[] right) => left.AsSpan().SequenceEqual(right);
}
