using GptOss.Net.Engine.Telemetry;
using GptOss.Net.Interop;
using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.Engine.Telemetry;

/// <summary>What <see cref="GptOssModel.GetMemoryReport"/> tells.</summary>
public sealed class MemoryReportTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public async Task A_loaded_model_reports_its_placement_and_what_is_free(string name)
    {
        await using var model = await LoadAsync(name);

        var report = model.GetMemoryReport();

        var (device, placement) = (report.Should().ContainSingle().Subject, model.Placement.Devices[0]);
        device.Should().BeEquivalentTo(new
        {
            Device = DeviceId.Cpu,
            placement.WeightBytes,
            placement.KVBytes,
            placement.WorkspaceBytes,
            KVBytesUsed = 0L,
        });
        device.FreeBytes.Should().BePositive();
    }

    [Fact]
    public async Task What_requests_have_used_of_the_cache_stays_resident()
    {
        await using var model = await LoadAsync("a");
        model.GetMemoryReport()[0].KVBytesResident.Should().Be(0);

        await model.Ids([.. Enumerable.Range(1, 100)], Generations.Greedy(4));

        // 104 tokens are 7 blocks in two layers of either kind; keys and values are float32.
        const long BlockBytes = 2 * 2 * 2 * 32 * 16 * sizeof(float);
        var report = model.GetMemoryReport()[0];
        report.KVBytesUsed.Should().Be(0);
        report.KVBytesResident.Should().BeInRange(2 * 7 * BlockBytes, 2 * 8 * BlockBytes);
    }

    [Fact]
    public async Task One_request_after_the_other_takes_a_part_of_the_cache_only()
    {
        await using var model = await LoadAsync("a");
        for (var i = 0; i < 60; i++)
        {
            await model.Ids([.. Enumerable.Range(i, 200)], Generations.Greedy(2));
        }

        var report = model.GetMemoryReport()[0];
        report.KVBytesResident.Should().BeLessThan(report.KVBytes * 2 / 5, "a quarter is kept for what it holds, and one sequence runs");
    }

    [Fact]
    public void Keys_and_values_are_counted_where_their_layers_lie()
    {
        AttentionKind[] kinds = [.. Enumerable.Range(0, 6).Select(layer => layer % 2 == 0 ? AttentionKind.Sliding : AttentionKind.Full)];
        var placement = Placement(new(DeviceId.Cuda(0), 0, 3), new(DeviceId.Cuda(1), 3, 2), new(DeviceId.Cuda(0), 5, 1));

        var blocks = DeviceBlockBytes.Of(placement, kinds, bytesPerBlock: _ => 1_000);

        blocks.Should().Equal(new DeviceBlockBytes(DeviceId.Cuda(0), 2_000, 2_000), new DeviceBlockBytes(DeviceId.Cuda(1), 1_000, 1_000));
        var report = MemoryReport.Create(placement, blocks, new KVCacheUsage(5, 10, 7, 20), new DeviceInventory([], [], 1, 1));
        report.Select(device => device.KVBytesUsed).Should().Equal(24_000, 12_000);
        report.Select(device => device.FreeBytes).Should().Equal([0, 0], "no driver tells");
    }

    [Fact]
    public void Of_a_card_all_that_was_planned_is_taken_and_the_rest_is_others_or_free()
    {
        var placement = Planned(weights: 7_000, cache: 24_000, workspace: 900, new StagePlacement(DeviceId.Cuda(0), 0, 2));
        var blocks = DeviceBlockBytes.Of(placement, [AttentionKind.Sliding, AttentionKind.Full], bytesPerBlock: _ => 1_000);
        var card = new CudaDevice(0, "a card", Guid.Empty, new Version(9, 0), TotalBytes: 80_000, FreeBytes: 46_000);

        var report = MemoryReport.Create(placement, blocks, new KVCacheUsage(3, 8, 2, 16), new DeviceInventory([card], [], 1, 1));

        report.Should().ContainSingle().Which.Should().BeEquivalentTo(new
        {
            Device = DeviceId.Cuda(0),
            WeightBytes = 7_000L,
            KVBytes = 24_000L,
            KVBytesUsed = 5_000L,
            KVBytesResident = 24_000L,
            WorkspaceBytes = 900L,
            TotalBytes = 80_000L,
            FreeBytes = 46_000L,
            OtherBytes = 2_100L,
        });
    }

    [Fact]
    public void Main_memory_through_which_cards_speak_is_taken_as_planned()
    {
        var placement = Planned(weights: 0, cache: 0, workspace: 900, new StagePlacement(DeviceId.Cpu, 0, 1));

        var report = MemoryReport.Create(placement, [], default, new DeviceInventory([], [], HostTotalBytes: 8_000, HostFreeBytes: 5_000));

        report.Should().ContainSingle().Which
            .Should().BeEquivalentTo(new { WorkspaceBytes = 900L, FreeBytes = 5_000L, OtherBytes = 2_100L });
        placement.WithoutPageLocked().Devices.Should().BeEmpty();
    }

    [Fact]
    public async Task The_meter_tells_what_the_report_says_by_use()
    {
        using var directory = new TemporaryDirectory();
        using var measurements = new RecordedMeasurements("memory-of-a");
        var folder = Directory.CreateDirectory(directory.File(measurements.Model)).FullName;
        foreach (var file in Directory.EnumerateFiles(Fixtures.ModelDirectory("a")))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        await using var model = await GptOssModel.LoadAsync(
            folder, LoadedModels.Options, cancellationToken: TestContext.Current.CancellationToken);

        measurements.CollectIf(true);

        var report = model.GetMemoryReport()[0];
        double[] Of(string use) => [.. measurements.Of("gptoss.device_memory", "gptoss.memory_use", use)];
        Of("weights").Should().Equal(report.WeightBytes);
        Of("kv_cache").Should().Equal(report.KVBytesResident);
        Of("workspace").Should().Equal(report.WorkspaceBytes);
        Of("free").Should().ContainSingle().Which.Should().BePositive();
        Of("other").Should().ContainSingle().Which.Should().BePositive("this process holds more than the model");
        measurements.TagsOf("gptoss.device_memory")["gptoss.device"].Should().Be("cpu");
    }

    [Fact]
    public async Task A_full_cache_uses_all_that_was_planned_for_it()
    {
        await using var model = await LoadAsync("a");
        var statistics = model.GetStatistics();
        var full = new KVCacheUsage(statistics.FullBlockCount, 0, statistics.SlidingBlockCount, 0);

        model.DeviceBlocks.Sum(blocks => blocks.Used(full)).Should()
            .Be(model.Placement.Devices.Sum(device => device.KVBytes)).And.BePositive();
    }

    private static Task<GptOssModel> LoadAsync(string name) =>
        GptOssModel.LoadAsync(Fixtures.ModelDirectory(name), LoadedModels.Options with { Cpu = new CpuOptions() });

    private static PlacementPlan Placement(params StagePlacement[] stages) => Planned(0, 0, 0, stages);

    private static PlacementPlan Planned(long weights, long cache, long workspace, params StagePlacement[] stages) => new()
    {
        Stages = stages,
        Devices = [.. stages.Select(stage => stage.Device).Distinct().Select(device => new DevicePlacement
        {
            Device = device,
            Stages = [],
            HoldsEmbedding = false,
            HoldsUnembedding = false,
            WeightBytes = weights,
            KVBytes = cache,
            WorkspaceBytes = workspace,
            BudgetBytes = 0,
            FreeBytes = 0,
        })],
        EmbeddingDevice = stages[0].Device,
        UnembeddingDevice = stages[^1].Device,
        MaxConcurrentSequences = 1,
        MaxSequences = 1,
        MaxModelLength = 1,
    };
}
