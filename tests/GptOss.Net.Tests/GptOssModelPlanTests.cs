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

        var plan = await GptOssModel.PlanAsync(Fixtures.ModelDirectory("a"), options, cancellationToken: TestContext.Current.CancellationToken);

        await using var model = await GptOssModel.LoadAsync(Fixtures.ModelDirectory("a"), options, cancellationToken: TestContext.Current.CancellationToken);
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
