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

    private static PlacementPlan Placement(params StagePlacement[] stages) => new()
    {
        Stages = stages,
        Devices = [.. stages.Select(stage => stage.Device).Distinct().Select(device => new DevicePlacement
        {
            Device = device,
            Stages = [],
            HoldsEmbedding = false,
            HoldsUnembedding = false,
            WeightBytes = 0,
            KVBytes = 0,
            WorkspaceBytes = 0,
            BudgetBytes = 0,
            FreeBytes = 0,
        })],
        EmbeddingDevice = stages[0].Device,
        UnembeddingDevice = stages[^1].Device,
        MaxSequences = 1,
        MaxModelLength = 1,
    };
}
