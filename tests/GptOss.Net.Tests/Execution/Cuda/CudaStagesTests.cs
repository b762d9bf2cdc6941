using GptOss.Net.Execution;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.KVCache;
using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>
/// A model whose parts lie on two cards: the bits of one, over any link, however late a card is, and typed errors where one fails.
/// </summary>
public sealed class CudaStagesTests
{
    private static readonly KVCacheCapacity Capacity = new(64, 64);

    // Devices of the embedding, each layer, and the output projection.
    public static TheoryData<string, string> Maps => new()
    {
        { "a", "0 0011 1" }, { "a", "0 0111 1" }, { "a", "1 0011 0" }, { "a", "0 0110 0" }, { "a", "0 1111 0" }, { "b", "0 011 1" },
        { "a-awq", "0 0001 1" },
    };

    [Theory]
    [MemberData(nameof(Maps))]
    public void Stages_have_the_bits_of_one_card(string model, string map)
    {
        Assert.SkipUnless(
            LongTests.Enabled || map is "0 0011 1" or "0 0110 0" or "0 011 1",
            "Takes long on emulated cards: set GPTOSS_LONG_TESTS=1 to run it.");
        using var fixture = new ModelFixture(model);
        var prompts = Prompts(fixture);
        var (logits, tokens) = OnOneCard(fixture, prompts);
        foreach (var late in new int?[] { null, 0, 1 })
        {
            using var executor = Load(fixture, new EmulatedMachine(2) { Late = late }, map);

            Driver(fixture, executor, 24).Logits(prompts).Zip(logits, SameBits).Should().AllBeEquivalentTo(true, $"with {late} late");
            var driver = Driver(fixture, executor, 64);
            driver.Greedy(6, prompts).Should().BeEquivalentTo(tokens, options => options.WithStrictOrdering());
            driver.MostStepsInFlight.Should().Be(2, "both cards are to work");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Through_main_memory_too(int late)
    {
        using var fixture = new ModelFixture("a");
        var prompts = Prompts(fixture);
        using var executor = Load(fixture, new EmulatedMachine(2) { Late = late, HasPeerAccess = false }, "0 0011 1");

        Driver(fixture, executor, 24).Logits(prompts).Zip(OnOneCard(fixture, prompts).Logits, SameBits).Should().AllBeEquivalentTo(true);
    }

    [Theory]
    [InlineData("0 0011 1", true)]
    [InlineData("0 0011 1", false)]
    [InlineData("0 0110 0", true)]
    public void A_step_goes_on_with_tokens_that_the_host_has_not_read(string map, bool hasPeerAccess)
    {
        using var fixture = new ModelFixture("a");
        using var one = CudaExecutorTests.Load(fixture, new EmulatedCudaDriver());
        using var executor = Load(fixture, new EmulatedMachine(2) { Late = 0, HasPeerAccess = hasPeerAccess }, map);

        Ahead(executor, fixture, steps: 6).Should().Equal(Ahead(one, fixture, steps: 6));
    }

    [Theory]
    [InlineData(LinkFault.Zeros)]
    [InlineData(LinkFault.Stale)]
    [InlineData(LinkFault.HalfWord)]
    internal void A_link_that_lies_is_found_at_load_and_bypassed(LinkFault fault)
    {
        using var fixture = new ModelFixture("a");
        var prompts = Prompts(fixture);
        var machine = new EmulatedMachine(2) { Fault = fault };
        foreach (var (from, to) in new[] { (0, 1), (1, 0) })
        {
            using var sender = new CudaCard(machine.Devices[from]);
            using var receiver = new CudaCard(machine.Devices[to]);

            var report = LinkSelfTest.Run(sender, receiver, TimeSpan.FromSeconds(2));

            report.Way.Should().Be(LinkWay.Host);
            report.Problem.Should().Contain("bytes arrived changed");
        }

        using var executor = Load(fixture, machine, "0 0011 1");
        Driver(fixture, executor, 64).Logits(prompts).Zip(OnOneCard(fixture, prompts).Logits, SameBits).Should().AllBeEquivalentTo(true);
    }

    [Fact]
    public void A_link_that_works_is_used()
    {
        var machine = new EmulatedMachine(2);
        using var from = new CudaCard(machine.Devices[0]);
        using var to = new CudaCard(machine.Devices[1]);

        LinkSelfTest.Run(from, to, TimeSpan.FromSeconds(2)).Should()
            .Match<LinkReport>(report => report.Way == LinkWay.Peer && report.Problem == null);
        machine.Devices.Sum(device => device.AllocatedBytes).Should().Be(0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_card_that_stops_answering_ends_the_step_and_is_named(int card)
    {
        using var fixture = new ModelFixture("a");
        var machine = new EmulatedMachine(2);
        var executor =
            Load(fixture, machine, "0 0011 1", new CudaExecutorOptions(64, 16, 512) { Patience = TimeSpan.FromMilliseconds(100) });
        executor.Begin(new PackedSequence(Prompts(fixture)[0], [0], [0]).Step(0, 5));
        machine.Devices[card].IsHung = true;

        executor.Invoking(hung => hung.Complete()).Should().Throw<CudaException>().WithMessage("*has not answered for 0.1 s*")
            .Which.Device.Should().Be(DeviceId.Cuda(card));
        executor.CanContinue().Should().BeFalse();
        executor.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_card_that_is_lost_ends_the_step_and_is_named(int card)
    {
        using var fixture = new ModelFixture("a");
        var machine = new EmulatedMachine(2);
        var executor = Load(fixture, machine, "0 0011 1");
        executor.Begin(new PackedSequence(Prompts(fixture)[0], [0], [0]).Step(0, 5));
        machine.Devices[card].IsLost = true;

        executor.Invoking(lost => lost.Complete()).Should().Throw<CudaException>().Which.Device.Should().Be(DeviceId.Cuda(card));
        executor.CanContinue().Should().BeFalse();
        executor.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_card_that_is_full_is_named_and_nothing_stays_allocated(int card)
    {
        using var fixture = new ModelFixture("a");
        var machine = new EmulatedMachine(2);
        machine.Devices[card].MemoryBytes = 1 << 20;

        var load = () => Load(fixture, machine, "0 0011 1");

        var refused = load.Should().Throw<CudaException>().Which;
        refused.IsOutOfMemory.Should().BeTrue();
        refused.Device.Should().Be(DeviceId.Cuda(card));
        machine.Devices.Should().OnlyContain(device => device.AllocatedBytes == 0);
    }

    [Fact]
    public void The_model_is_tested_over_both_cards_and_all_memory_goes_back()
    {
        using var fixture = new ModelFixture("a");
        var machine = new EmulatedMachine(2);

        Load(fixture, machine, "0 0011 1", new CudaExecutorOptions(64, 8, 512)).Dispose();

        machine.Devices.Should().OnlyContain(device => device.AllocatedBytes == 0);
    }

    internal static CudaExecutor Load(ModelFixture fixture, EmulatedMachine machine, string map, CudaExecutorOptions? options = null)
    {
        EmulatedKernelCompiler.Require();
        var loader = new CudaExecutorLoader(
            fixture.Config,
            fixture.Weights,
            Capacity,
            options ?? new CudaExecutorOptions(64, 16, 512) { TestsItself = false },
            new WeightReadProgress(fixture.Weights.ByteLength, (_, _) => { }, CancellationToken.None));
        var parts = Parts(map);
        return loader.Load(
            parts,
            [.. parts.Select(part => part.Device.Index).Distinct().Select(index => machine.Devices[index])],
            _ => new EmulatedKernelCompiler(),
            EmulatedKernelCompiler.Cache);
    }

    internal static IReadOnlyList<ModelPart> Parts(string map) => ModelPart.Of(Plan(map));

    internal static PlacementPlan Plan(string map)
    {
        DeviceId[] Devices(string places) => [.. places.Select(place => place == 'c' ? DeviceId.Cpu : DeviceId.Cuda(place - '0'))];
        var places = map.Split(' ');
        var layers = Devices(places[1]);
        var stages = new List<StagePlacement>();
        for (var layer = 0; layer < layers.Length; layer++)
        {
            var (first, count) = layer > 0 && layers[layer - 1] == layers[layer]
                ? (stages[^1].FirstLayer, stages[^1].LayerCount + 1)
                : (layer, 1);
            stages.RemoveAll(stage => stage.FirstLayer == first);
            stages.Add(new StagePlacement(layers[layer], first, count));
        }

        return new PlacementPlan
        {
            Stages = stages,
            Devices = [],
            EmbeddingDevice = Devices(places[0])[0],
            UnembeddingDevice = Devices(places[2])[0],
            MaxConcurrentSequences = 1,
            MaxSequences = 1,
            MaxModelLength = 512,
        };
    }

    /// <summary>Tokens of a sequence of which every step but the first goes on with what the one before it samples.</summary>
    private static List<int> Ahead(CudaExecutor executor, ModelFixture fixture, int steps)
    {
        var prompt = Prompts(fixture)[0];
        var tokens = new List<int>();
        var sequence = new PackedSequence([.. prompt, .. Enumerable.Repeat(~0, steps)], [0, 1, 2], [0, 1, 2]);
        executor.Begin(Greedy(sequence.Step(0, prompt.Length)));
        for (var i = 0; i < steps; i++)
        {
            executor.Begin(Greedy(sequence.Step(prompt.Length + i, 1)));
            tokens.Add(executor.Complete().Tokens.Span[0].Id);
        }

        executor.Complete();
        return tokens;

        static StepBatch Greedy(StepBatch step) => step with
        {
            LogitsRows = step.LogitsRows[^1..],
            Rows = new RowSampling[] { new() { Options = new SamplingOptions { Temperature = 0 }, Bias = [] } },
        };
    }

    private static (float[][] Logits, int[][] Tokens) OnOneCard(ModelFixture fixture, int[][] prompts)
    {
        using var executor = CudaExecutorTests.Load(fixture, new EmulatedCudaDriver());
        return (Driver(fixture, executor, 64).Logits(prompts), Driver(fixture, executor, 64).Greedy(6, prompts));
    }

    private static ExecutorDriver Driver(ModelFixture fixture, CudaExecutor executor, int maxStepTokens) =>
        new(executor, Capacity, fixture.Config.SlidingWindow, maxStepTokens);

    private static int[][] Prompts(ModelFixture fixture)
    {
        int[] tokens = [.. fixture.Cases.SelectMany(known => known.InputIds)];
        return [tokens[..9], tokens[..5], tokens[9..16]];
    }

    private static bool SameBits(float[] left, float[] right) => left.AsSpan().SequenceEqual(right);
}
