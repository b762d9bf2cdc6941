using CsCheck;
using GptOss.Net.Placement;
using static GptOss.Net.Tests.Placement.PlacementScenario;

namespace GptOss.Net.Tests.Placement;

public class PlacementPlannerTests
{
    private static readonly Gen<PlacementRequest> AnyRequest =
        from layers in Gen.Long[1, 1000].Array[1, 10]
        from embedding in Gen.Long[0, 3000]
        from unembedding in Gen.Long[0, 3000]
        from memories in Gen.Long[500, 20_000].Array[1, Math.Min(4, layers.Length)]
        select Toy(embedding, layers, unembedding, [.. memories.Select((bytes, i) => Gpu(i, bytes))]);

    [Fact]
    public void Every_layer_is_placed_once_and_every_budget_is_kept() => AnyRequest.Sample(
        request =>
        {
            PlacementPlan plan = PlacementPlanner.Draft(request);

            plan.Stages.SelectMany(stage => Enumerable.Range(stage.FirstLayer, stage.LayerCount))
                .Should().Equal(Enumerable.Range(0, request.Config.LayerCount));
            plan.Stages.Select(stage => stage.Device).Should().Equal(request.Available.Select(device => device.Id));
            plan.Devices.Sum(device => device.WeightBytes).Should().Be(request.Weights.Total);
            plan.Devices.Sum(device => device.KVBytes).Should().Be(16L * request.Config.LayerCount);
            plan.Fits.Should().Be(AllSplits(request).Any(split => Fits(request, split)));
        },
        iter: LongTests.Scale(2000));

    [Fact]
    public void No_other_split_fills_the_devices_more_evenly() => AnyRequest.Sample(
        request =>
        {
            PlacementPlan plan = PlacementPlanner.Draft(request);
            long[][] candidates = [.. AllSplits(request).Where(split => !plan.Fits || Fits(request, split))];

            double cost = Cost(request, [.. plan.Devices.Select(device => device.TotalBytes)]);

            cost.Should().BeApproximately(candidates.Min(split => Cost(request, split)), 1e-9 * cost);
        },
        iter: LongTests.Scale(2000));

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(6)]
    public void Many_small_layers_differ_by_at_most_a_tenth_between_equal_devices(int devices)
    {
        AvailableDevice[] gpus = [.. Enumerable.Range(0, devices).Select(i => Gpu(i, 100_000))];

        PlacementPlan plan = PlacementPlanner.Plan(Toy(300, [.. Enumerable.Repeat(100L, 96)], 300, gpus));

        long[] bytes = [.. plan.Devices.Select(device => device.TotalBytes)];
        bytes.Min().Should().BeGreaterThanOrEqualTo((long)(0.9 * bytes.Max()));
    }

    [Fact]
    public void A_device_has_workspace_for_each_of_its_stages_which_compute_at_once()
    {
        var request = Toy(0, [100, 100, 100, 100], 0, Gpu(0, 10_000), Gpu(1, 10_000)) with
        {
            Workspace = new WorkspaceEstimate(PerDevice: 5, Unembedding: 7) { PerStage = 1_000 },
            Options = new PlacementOptions { Devices = [DeviceId.Cuda(0), DeviceId.Cuda(1), DeviceId.Cuda(0)] },
        };

        var plan = PlacementPlanner.Plan(request);

        plan.Devices.Select(device => device.WorkspaceBytes).Should().Equal(5 + 2_000 + 7, 5 + 1_000);
    }

    [Fact]
    public void A_device_that_has_no_layers_needs_workspace_for_an_end_of_the_model()
    {
        var request = Toy(50, [100, 100], 50, Gpu(0, 10_000), Gpu(1, 10_000)) with
        {
            Workspace = new WorkspaceEstimate(PerDevice: 5, Unembedding: 7) { PerStage = 1_000 },
            Options = new PlacementOptions { LayerDevices = [DeviceId.Cuda(0), DeviceId.Cuda(0)], UnembeddingDevice = DeviceId.Cuda(1) },
        };

        var plan = PlacementPlanner.Plan(request);

        plan.Devices.Select(device => device.WorkspaceBytes).Should().Equal(5 + 1_000, 5 + 1_000 + 7);
    }

    [Fact]
    public void Stages_on_one_device_fit_only_with_the_workspace_of_all()
    {
        var request = Toy(0, [100, 100], 0, Gpu(0, 1_300)) with
        {
            Workspace = new WorkspaceEstimate(PerDevice: 0, Unembedding: 0) { PerStage = 1_000 },
            Options = new PlacementOptions { Devices = [DeviceId.Cuda(0), DeviceId.Cuda(0)] },
        };

        PlacementPlanner.Draft(request).Fits.Should().BeFalse();
        PlacementPlanner.Draft(request with { Options = new PlacementOptions() }).Fits.Should().BeTrue();
    }

    [Fact]
    public void A_device_with_twice_the_memory_gets_twice_the_bytes()
    {
        PlacementPlan plan = PlacementPlanner.Plan(Toy(0, [.. Enumerable.Repeat(100L, 30)], 0, Gpu(0, 8000), Gpu(1, 4000)));

        plan.Stages.Select(stage => stage.LayerCount).Should().Equal(20, 10);
    }

    [Fact]
    public void Without_GPUs_the_model_lies_on_the_cpu() =>
        PlacementPlanner.Plan(Toy(1, [10, 10], 1, Cpu(1000))).Devices.Select(device => device.Device).Should().Equal(DeviceId.Cpu);

    [Fact]
    public void By_default_the_GPUs_are_used_and_not_the_cpu() =>
        PlacementPlanner.Plan(Toy(1, [10, 10], 1, Gpu(0, 1000), Gpu(1, 1000), Cpu(1000)))
            .Devices.Select(device => device.Device).Should().Equal(DeviceId.Cuda(0), DeviceId.Cuda(1));

    [Fact]
    public void By_default_no_more_GPUs_are_used_than_there_are_layers() =>
        PlacementPlanner.Plan(Toy(1, [10, 10], 1, Gpu(0, 1000), Gpu(1, 1000), Gpu(2, 1000))).Stages.Should().HaveCount(2);

    [Fact]
    public void A_device_named_twice_gets_two_stages()
    {
        PlacementRequest request = With(
            Toy(0, [10, 10, 10, 10], 0, Gpu(0, 1000)),
            new PlacementOptions { Devices = [DeviceId.Cuda(0), DeviceId.Cuda(0)] });

        PlacementPlan plan = PlacementPlanner.Plan(request);

        plan.Stages.Select(stage => stage.ToString()).Should().Equal("0-1", "2-3");
        plan.Devices.Should().ContainSingle().Which.Stages.Should().Equal(0, 1);
    }

    [Fact]
    public void A_memory_limit_moves_layers_to_the_other_device()
    {
        PlacementRequest request = With(
            Toy(0, [84, 84, 84, 84, 84, 84], 0, Gpu(0, 1000), Gpu(1, 1000)),
            new PlacementOptions { MemoryLimits = new Dictionary<DeviceId, long> { [DeviceId.Cuda(1)] = 200 } });

        PlacementPlan plan = PlacementPlanner.Plan(request);

        plan.Stages.Select(stage => stage.LayerCount).Should().Equal(5, 1);
        plan.Devices[1].BudgetBytes.Should().Be(200);
        plan.Devices[1].FreeBytes.Should().Be(1000);
    }

    [Fact]
    public void GPUs_that_share_every_layer_have_their_shares_and_the_first_samples()
    {
        PlacementRequest request = Toy(300, [100, 100, 100, 100], 200, Gpu(0, 1000), Gpu(1, 1000), Gpu(2, 1000));
        var (first, second) = (Toy(300, [51, 51, 51, 51], 100).Weights, Toy(300, [49, 49, 49, 49], 100).Weights);

        PlacementPlan plan = PlacementPlanner.Plan(request with
        {
            Weights = request.Weights with { Shares = [first, second] },
            Workspace = new WorkspaceEstimate(PerDevice: 5, Unembedding: 7) { Sampling = 11 },
            Options = new PlacementOptions { TensorParallel = 2 },
        });

        plan.Stages.Should().ContainSingle().Which.Devices.Should().Equal(DeviceId.Cuda(0), DeviceId.Cuda(1));
        plan.Devices.Select(device => device.WeightBytes).Should().Equal(604, 596);
        plan.Devices.Select(device => device.WorkspaceBytes).Should().Equal(23, 12);
        plan.Devices.Select(device => device.KVBytes).Should().Equal(32, 32);
        plan.Devices.Should().OnlyContain(device => device.HoldsEmbedding && device.HoldsUnembedding);
    }

    [Fact]
    public void Sharing_every_layer_is_refused_without_GPUs_enough_and_beside_a_placement_by_hand()
    {
        PlacementRequest one = Toy(300, [100, 100], 200, Gpu(0, 1000), Cpu(1000));
        PlacementRequest Sharing(PlacementOptions options) => one with { Options = options with { TensorParallel = 2 } };

        one.Invoking(request => PlacementPlanner.Plan(Sharing(request.Options)))
            .Should().Throw<PlacementException>().WithMessage("*TensorParallel is 2*1 GPUs*");
        one.Invoking(_ => PlacementPlanner.Plan(Sharing(new PlacementOptions { LayerDevices = [DeviceId.Cuda(0), DeviceId.Cuda(0)] })))
            .Should().Throw<ArgumentException>().WithMessage("*LayerDevices*");
        one.Invoking(_ => PlacementPlanner.Plan(Sharing(new PlacementOptions { Devices = [DeviceId.Cuda(0), DeviceId.Cpu] })))
            .Should().Throw<ArgumentException>().WithMessage("*2 different GPUs*");
        one.Invoking(_ => PlacementPlanner.Plan(one with { Options = new PlacementOptions { TensorParallel = 3 } }))
            .Should().Throw<ArgumentException>().WithMessage("*3*");
    }

    [Fact]
    public void A_placement_by_hand_is_kept()
    {
        DeviceId first = DeviceId.Cuda(0);
        DeviceId second = DeviceId.Cuda(1);
        PlacementRequest request = With(
            Toy(7, [10, 20, 30, 40], 9, Gpu(0, 1000), Gpu(1, 1000), Cpu(1000)),
            new PlacementOptions { LayerDevices = [first, first, second, first], EmbeddingDevice = DeviceId.Cpu });

        PlacementPlan plan = PlacementPlanner.Plan(request);

        plan.Stages.Select(stage => $"{stage.Device} {stage}").Should().Equal("cuda:0 0-1", "cuda:1 2", "cuda:0 3");
        plan.Devices.Select(device => device.WeightBytes).Should().Equal(7, 10 + 20 + 40 + 9, 30);
        plan.EmbeddingDevice.Should().Be(DeviceId.Cpu);
        plan.UnembeddingDevice.Should().Be(first);
    }

    [Fact]
    public void A_tied_output_projection_is_counted_once_on_one_device_and_twice_on_two()
    {
        PlacementRequest one = Toy(100, [10, 10], 100, Gpu(0, 1000));
        PlacementRequest two = Toy(100, [10, 10], 100, Gpu(0, 1000), Gpu(1, 1000));

        PlacementPlanner.Plan(one with { Weights = one.Weights with { IsTied = true } })
            .Devices.Sum(device => device.WeightBytes).Should().Be(120);
        PlacementPlanner.Plan(two with { Weights = two.Weights with { IsTied = true } })
            .Devices.Sum(device => device.WeightBytes).Should().Be(220);
    }

    internal static PlacementRequest With(PlacementRequest request, PlacementOptions options) =>
        request with { Options = options };

    private static double Cost(PlacementRequest request, long[] bytes) =>
        bytes.Select((load, i) => (double)load * load / request.Available[i].FreeBytes).Sum();

    private static bool Fits(PlacementRequest request, long[] bytes) =>
        bytes.Select((load, i) => load <= request.Available[i].FreeBytes).All(fits => fits);

    /// <summary>The bytes on each device for every way to cut the layers.</summary>
    private static IEnumerable<long[]> AllSplits(PlacementRequest request)
    {
        return Cuts(0, request.Available.Count);

        IEnumerable<long[]> Cuts(int start, int stages)
        {
            int layers = request.Config.LayerCount;
            for (int end = stages == 1 ? layers : start + 1; end <= layers - stages + 1; end++)
            {
                long bytes = request.Weights.Layers[start..end].Sum(layer => layer + 16)
                    + (start == 0 ? request.Weights.Embedding : 0)
                    + (stages == 1 ? request.Weights.Unembedding : 0);
                foreach (long[] rest in stages == 1 ? [[]] : Cuts(end, stages - 1))
                {
                    yield return [bytes, .. rest];
                }
            }
        }
    }
}
