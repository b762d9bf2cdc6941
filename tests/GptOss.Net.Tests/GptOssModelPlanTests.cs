namespace GptOss.Net.Tests;

/// <summary>Plans before anything is loaded, for this machine and for described ones.</summary>
public sealed class GptOssModelPlanTests
{
    private static readonly Dictionary<DeviceId, long> TwoCards = new() { [DeviceId.Cuda(0)] = 24L << 30, [DeviceId.Cuda(1)] = 24L << 30 };

    [Fact]
    public async Task The_plan_is_the_one_that_loading_follows()
    {
        var options = new GptOssModelOptions
        {
            MaxSequences = 2,
            MaxModelLength = 128,
            Precision = Precision.AsStored,
            Placement = new PlacementOptions { Devices = [DeviceId.Cpu] },
        };

        var plan =
            await GptOssModel.PlanAsync(Fixtures.ModelDirectory("a"), options, cancellationToken: TestContext.Current.CancellationToken);

        await using var model =
            await GptOssModel.LoadAsync(Fixtures.ModelDirectory("a"), options, cancellationToken: TestContext.Current.CancellationToken);
        plan.Devices.Select(Bytes).Should().Equal(model.Placement.Devices.Select(Bytes));
        plan.Stages.Select(stage => stage.ToString()).Should().Equal(model.Placement.Stages.Select(stage => stage.ToString()));

        static (DeviceId, long, long, long) Bytes(DevicePlacement device) =>
            (device.Device, device.WeightBytes, device.KVBytes, device.WorkspaceBytes);
    }

    [Fact]
    public async Task A_described_machine_is_planned_for_without_having_it()
    {
        var plan = await GptOssModel.PlanAsync(
            Fixtures.ModelDirectory("a"), memory: TwoCards, cancellationToken: TestContext.Current.CancellationToken);

        plan.Devices.Select(device => device.Device).Should().Equal(DeviceId.Cuda(0), DeviceId.Cuda(1));
        plan.Devices.Should().OnlyContain(device => device.FreeBytes == 24L << 30);
        plan.ToTable().Should().Contain("cuda:1").And.Contain("24.00 GiB");
    }

    [Fact]
    public async Task What_does_not_fit_a_described_machine_is_refused_with_what_would()
    {
        var plan = () => GptOssModel.PlanAsync(
            Fixtures.ModelDirectory("a"),
            new GptOssModelOptions { Placement = new PlacementOptions { Devices = [DeviceId.Cuda(0)] } },
            new Dictionary<DeviceId, long> { [DeviceId.Cuda(0)] = 1L << 20 },
            TestContext.Current.CancellationToken);

        await plan.Should().ThrowAsync<PlacementException>().WithMessage("*does not fit*cuda:0*");
    }

    [Fact]
    public async Task What_a_card_has_no_room_for_lies_on_the_cpu_unless_that_is_forbidden()
    {
        var options = new GptOssModelOptions { MaxSequences = 1, MaxModelLength = 128 };
        var whole = await PlanAsync(options, 24L << 30);
        var little = whole.Devices[0].TotalBytes - 4_096;

        var shared = await PlanAsync(options, little);
        var forbidden = () => PlanAsync(options with { Placement = new PlacementOptions { AllowCpu = false } }, little);

        whole.Devices.Select(device => device.Device).Should().Equal(DeviceId.Cuda(0));
        shared.Stages.Select(stage => (stage.Device, stage.FirstLayer, stage.LayerCount)).Should()
            .Equal((DeviceId.Cpu, 0, 1), (DeviceId.Cuda(0), 1, 3));
        (shared.EmbeddingDevice, shared.UnembeddingDevice).Should().Be((DeviceId.Cpu, DeviceId.Cuda(0)));
        (await forbidden.Should().ThrowAsync<PlacementException>()).WithMessage("*does not fit*cuda:0*");

        static Task<PlacementPlan> PlanAsync(GptOssModelOptions options, long card) => GptOssModel.PlanAsync(
            Fixtures.ModelDirectory("a"),
            options,
            new Dictionary<DeviceId, long> { [DeviceId.Cuda(0)] = card, [DeviceId.Cpu] = 8L << 30 },
            TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_plan_says_how_many_sequences_of_a_length_have_room_at_once()
    {
        var plan = await GptOssModel.PlanAsync(
            Fixtures.ModelDirectory("a"),
            new GptOssModelOptions { MaxSequences = 8, MaxModelLength = 128 },
            TwoCards,
            TestContext.Current.CancellationToken);

        plan.CacheTokens.Should().Be(8 * 128);
        plan.SequencesOf(128).Should().Be(8);
        plan.SequencesOf(17).Should().Be(32, "17 tokens take two blocks of 16");
        plan.SequencesOf(1).Should().Be(64);
        plan.Invoking(known => known.SequencesOf(129)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData(16)]
    [InlineData(20)]
    [InlineData(24)]
    [InlineData(80)]
    public async Task Without_a_number_as_many_sequences_run_at_once_as_have_room_for_an_eighth_of_the_length(int gibibytes)
    {
        using var directory = new TemporaryDirectory();
        var folder = SparseCheckpoint.Write(directory.File("gpt-oss-20b"));

        var plan = await PlanAsync(null);
        var more = await PlanAsync(plan.MaxConcurrentSequences + 1);

        plan.MaxConcurrentSequences.Should().BeInRange(1, 64);
        plan.SequencesOf(4_096).Should().BeGreaterThanOrEqualTo(plan.MaxConcurrentSequences);
        more.MaxConcurrentSequences.Should().Be(plan.MaxConcurrentSequences + 1, "what was set wins");
        if (plan.MaxConcurrentSequences < 64)
        {
            more.SequencesOf(4_096).Should().BeLessThan(more.MaxConcurrentSequences);
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"{gibibytes} GiB: {plan.MaxConcurrentSequences} at once of {plan.CacheTokens}");

        Task<PlacementPlan> PlanAsync(int? maxSequences) => GptOssModel.PlanAsync(
            folder,
            new GptOssModelOptions { MaxSequences = maxSequences },
            new Dictionary<DeviceId, long> { [DeviceId.Cuda(0)] = (long)gibibytes << 30 },
            TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Expanded_to_bfloat16_two_cards_of_24_GiB_that_share_every_layer_hold_the_model_and_32K_tokens()
    {
        using var directory = new TemporaryDirectory();
        var folder = SparseCheckpoint.Write(directory.File("gpt-oss-20b"));
        var options = new GptOssModelOptions
        {
            Precision = Precision.ExpandedBFloat16,
            MaxModelLength = 32_768,
            MaxSequences = 64,
            MaxStepTokens = 1_024,
            Placement = new PlacementOptions { TensorParallel = 2 },
        };

        var plan = await GptOssModel.PlanAsync(folder, options, TwoCards, TestContext.Current.CancellationToken);

        plan.CacheTokens.Should().BeGreaterThanOrEqualTo(229_376);
        plan.Devices.Should().OnlyContain(device => device.TotalBytes <= 24L << 30);
        plan.Devices.Min(device => device.TotalBytes).Should().BeGreaterThan(plan.Devices.Max(device => device.TotalBytes) * 9 / 10);
    }

    [Fact]
    public async Task Main_memory_through_which_cards_that_share_layers_may_have_to_speak_is_planned_for()
    {
        using var directory = new TemporaryDirectory();
        var folder = SparseCheckpoint.Write(directory.File("gpt-oss-20b"));
        var options = new GptOssModelOptions { Placement = new PlacementOptions { TensorParallel = 2 } };
        var memory = new Dictionary<DeviceId, long>(TwoCards) { [DeviceId.Cpu] = 8L << 30 };

        var plan = await GptOssModel.PlanAsync(folder, options, memory, TestContext.Current.CancellationToken);

        var host = plan.Devices[^1];
        (host.Device, host.WeightBytes, host.KVBytes, host.BudgetBytes).Should().Be((DeviceId.Cpu, 0, 0, (8L << 30) - (512L << 20)));
        host.WorkspaceBytes.Should().BeGreaterThan(4 * 64 * 201_088 * sizeof(float), "each card has two inboxes for the logits of 64 rows");
        plan.ToTable().Should().Contain("page-locked, at most");
        memory[DeviceId.Cpu] = 256L << 20;
        var little = () => GptOssModel.PlanAsync(folder, options, memory, TestContext.Current.CancellationToken);
        await little.Should().ThrowAsync<PlacementException>().WithMessage("*cpu (page-locked, at most) needs*");
    }

    [Fact]
    public async Task A_device_that_was_not_described_is_not_there()
    {
        var plan = () => GptOssModel.PlanAsync(
            Fixtures.ModelDirectory("a"),
            new GptOssModelOptions { Placement = new PlacementOptions { Devices = [DeviceId.Cuda(2)] } },
            TwoCards,
            TestContext.Current.CancellationToken);

        await plan.Should().ThrowAsync<PlacementException>().WithMessage("*no device cuda:2*");
    }
}
