using GptOss.Net.Execution;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.KVCache;
using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>Cards that share every layer compute what one card does, to the last bit, however they reach each other.</summary>
public sealed class CudaGroupTests
{
    private const int ShortPrompt = 40;

    private static readonly KVCacheCapacity Capacity = new(64, 64);
    private static readonly int[] Blocks = [3, 7, 1, 12];

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("a-awq")]
    public void Two_cards_have_the_bits_of_one(string model)
    {
        RequireTime(unless: model == "b");
        Compare(model, Machine());
    }

    [Theory]
    [InlineData(Precision.Int8Dense)]
    [InlineData(Precision.ExpandedBFloat16)]
    public void Two_cards_have_the_bits_of_one_in_other_formats(Precision precision)
    {
        RequireTime();
        Compare("b", Machine(), precision);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void Cards_that_do_not_see_each_other_have_the_bits_of_one(string model)
    {
        RequireTime(unless: model == "b");
        var machine = Machine();
        machine.HasPeerAccess = false;
        Compare(model, machine);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(1, false)]
    public void A_card_that_is_late_changes_nothing(int late, bool hasPeerAccess)
    {
        RequireTime(unless: late == 1 && hasPeerAccess);
        var machine = Machine();
        (machine.Late, machine.HasPeerAccess) = (late, hasPeerAccess);
        Compare("b", machine, Precision.Default, (1, 64), (1, 1));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Steps_that_go_on_with_what_the_host_has_not_read_give_one_cards_tokens(bool hasPeerAccess)
    {
        RequireTime(unless: hasPeerAccess);
        using var fixture = new ModelFixture("b");
        using var one = CudaExecutorTests.Load(fixture, new EmulatedCudaDriver());
        var machine = Machine();
        machine.HasPeerAccess = hasPeerAccess;
        using var two = Load(fixture, machine);

        Ahead(fixture, two).Should().Equal(Ahead(fixture, one));
    }

    [Fact]
    public void More_rows_than_are_computed_at_a_time_have_the_bits_of_one_card()
    {
        RequireTime();
        using var fixture = new ModelFixture("b");
        using var one = CudaExecutorTests.Load(fixture, new EmulatedCudaDriver());
        using var two = Load(fixture, Machine());
        int[] prompt = [.. Enumerable.Range(0, 15).Select(i => i * 37 % 700)];
        var step = new PackedSequence(prompt, Blocks, Blocks).Step(0, 15);
        step = step with { LogitsRows = Enumerable.Range(0, 90).Select(row => row / 6).ToArray(), Rows = new RowSampling[90] };

        Logits(two, step).Should().Equal(Logits(one, step));
    }

    [Fact]
    public void The_kernels_test_themselves_with_the_models_own_weights()
    {
        using var fixture = new ModelFixture("b");
        using var executor = Load(fixture, Machine(), tests: true);

        executor.MaxStepsInFlight.Should().Be(1);
    }

    [Fact]
    public void A_card_that_stops_answering_ends_the_step_with_an_error_that_names_it()
    {
        using var fixture = new ModelFixture("b");
        var machine = Machine();
        using var executor = Load(fixture, machine);
        var step = new PackedSequence(fixture.Cases[1].InputIds, Blocks, Blocks).Step(0, 5);
        Logits(executor, step);

        machine.Devices[1].IsHung = true;

        executor.Invoking(hung => Logits(hung, step)).Should().Throw<CudaException>().WithMessage("*cuda:1*");
        executor.CanContinue().Should().BeFalse();
        machine.Devices[1].IsHung = false;
    }

    [Fact]
    public void Dispose_gives_back_all_memory_of_both_cards()
    {
        using var fixture = new ModelFixture("b"); // whose kernels other tests compile too
        var machine = Machine();
        var executor = Load(fixture, machine);
        machine.Devices.Should().OnlyContain(device => device.AllocatedBytes > 0);

        executor.Dispose();

        machine.Devices.Should().OnlyContain(device => device.AllocatedBytes == 0);
    }

    [Theory]
    [InlineData(true, 1, 64)]
    [InlineData(true, 1, 1)]
    [InlineData(true, 3, 7)]
    [InlineData(false, 1, 64)]
    [InlineData(false, 1, 1)]
    [InlineData(false, 3, 7)]
    public void Four_cards_have_the_bits_of_one(bool hasPeerAccess, int count, int maxStepTokens)
    {
        RequireTime(unless: hasPeerAccess && maxStepTokens == 64);
        var machine = new EmulatedMachine(4) { IsConcurrent = true, HasPeerAccess = hasPeerAccess };
        Compare("b", machine, Precision.Default, (count, maxStepTokens));
    }

    [Theory]
    [InlineData("a", 4)]
    [InlineData("b", 3)]
    public void Cards_that_cannot_share_the_heads_are_refused_by_name(string model, int cards)
    {
        using var fixture = new ModelFixture(model);

        var load = () => Load(fixture, new EmulatedMachine(cards) { IsConcurrent = true });

        load.Should().Throw<CudaException>().WithMessage($"*2 or 4 cards*up to {cards} cards*");
    }

    // Emulated cards take some 20 seconds for a fixture.
    private static void RequireTime(bool unless = false) =>
        Assert.SkipUnless(unless || LongTests.Enabled, "Takes long on emulated cards: set GPTOSS_LONG_TESTS=1 to run it.");

    private static EmulatedMachine Machine() => new(2) { IsConcurrent = true };

    /// <summary>Prompts alone and together, at once, in chunks and token by token: every family of kernels.</summary>
    private static void Compare(
        string model, EmulatedMachine machine, Precision precision = Precision.Default, params (int Count, int MaxStepTokens)[] runs)
    {
        using var fixture = new ModelFixture(model);
        using var one = CudaExecutorTests.Load(fixture, new EmulatedCudaDriver(), precision: precision);
        using var two = Load(fixture, machine, precision);
        int[][] prompts = [.. fixture.Cases.Select(expected => expected.InputIds).Where(prompt => prompt.Length <= ShortPrompt)];
        var expected = prompts.Select(prompt => Driver(fixture, one, 64).Logits(prompt)[0]).ToArray();
        foreach (var (count, maxStepTokens) in runs is [] ? [(1, 64), (1, 13), (1, 1), (2, 2), (3, 7)] : runs)
        {
            var company = Enumerable.Range(0, count).SelectMany(_ => prompts).Take(Math.Max(count, prompts.Length)).ToArray();

            var logits = Driver(fixture, two, maxStepTokens).Logits(company);

            logits.Select((own, i) => own.AsSpan().SequenceEqual(expected[i % expected.Length])).Should().AllBeEquivalentTo(
                true, $"{count} of each prompt with {maxStepTokens} tokens a step have one card's bits");
        }
    }

    private static List<int> Ahead(ModelFixture fixture, CudaExecutor executor)
    {
        var prompt = fixture.Cases[1].InputIds;
        var tokens = new List<int>();
        executor.Begin(Decode(prompt, 0));
        for (var i = 1; i < 6; i++)
        {
            executor.Begin(Decode([.. prompt, .. Enumerable.Repeat(~0, i)], i));
            tokens.Add(executor.Complete().Tokens.Span[0].Id);
        }

        tokens.Add(executor.Complete().Tokens.Span[0].Id);
        return tokens;
    }

    private static StepBatch Decode(int[] tokens, int index)
    {
        var sequence = new PackedSequence(tokens, Blocks, Blocks);
        var step = index == 0 ? sequence.Step(0, tokens.Length) : sequence.Step(tokens.Length - 1, 1);
        var row = new RowSampling { Options = new SamplingOptions(), Bias = [], Random = new SeededRandom(11), Position = index };
        return step with { LogitsRows = new[] { step.TokenCount - 1 }, Rows = new[] { row } };
    }

    private static float[] Logits(CudaExecutor executor, StepBatch step)
    {
        executor.Begin(step);
        return executor.Complete().Logits.ToArray();
    }

    private static CudaExecutor Load(
        ModelFixture fixture, EmulatedMachine machine, Precision precision = Precision.Default, bool tests = false)
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
                Patience = TimeSpan.FromSeconds(30),
            },
            new WeightReadProgress(fixture.Weights.ByteLength, (_, _) => { }, CancellationToken.None));
        var devices = machine.Devices.Select(device => device.Properties.Device).ToArray();
        var part = loader.Whole(devices[0]) with { Devices = devices };
        return loader.Load([part], [.. machine.Devices], _ => new EmulatedKernelCompiler(), EmulatedKernelCompiler.Cache);
    }

    private static ExecutorDriver Driver(ModelFixture fixture, CudaExecutor executor, int maxStepTokens) =>
        new(executor, Capacity, fixture.Config.SlidingWindow, maxStepTokens);
}
