using GptOss.Net.Placement;

namespace GptOss.Net.Tests;

/// <summary><see cref="GptOssModelOptions.RepackCache"/> as a whole: what is mapped, and what counts as memory.</summary>
public sealed class GptOssModelWarmStartTests
{
    [Fact]
    public async Task The_second_start_maps_all_weights_and_says_so()
    {
        using var cache = new TemporaryDirectory();
        using var first = new RecordingLoggerFactory();
        using var second = new RecordingLoggerFactory();

        var packed = await StartAsync(cache.Path, first);
        var mapped = await StartAsync(cache.Path, second);

        (packed.Memory.MappedWeightBytes, mapped.Memory.MappedWeightBytes).Should().Be((0, packed.Memory.WeightBytes));
        mapped.Ids.Should().Equal(packed.Ids);
        mapped.Memory.KVBytesResident.Should().Be(packed.Memory.KVBytesResident).And.BePositive("keys and values are this process's own");
        first.Texts.Should().ContainSingle(line => line.StartsWith("Kept ", StringComparison.Ordinal));
        second.Texts.Should().ContainSingle(line => line.StartsWith("Mapped ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Other_models_are_not_promised_what_is_mapped()
    {
        using var cache = new TemporaryDirectory();
        using var log = new RecordingLoggerFactory();
        await StartAsync(cache.Path, log);
        await using var model = await LoadAsync(cache.Path, log);
        var memory = model.GetMemoryReport()[0];

        // What others hold comes and goes meanwhile, but all of this model's promises are in it.
        MemoryLedger.OfProcess.Outstanding(DeviceId.Cpu).Should().BeGreaterThanOrEqualTo(
            memory.MappedWeightBytes + memory.KVBytes + memory.WorkspaceBytes - memory.KVBytesResident);
    }

    [Fact]
    public void Mapped_weights_are_not_what_others_hold()
    {
        var memory = new DeviceMemory
        {
            Device = DeviceId.Cpu,
            WeightBytes = 12,
            MappedWeightBytes = 11,
            KVBytes = 9,
            KVBytesResident = 4,
            KVBytesUsed = 2,
            WorkspaceBytes = 1,
            TotalBytes = 100,
            FreeBytes = 60,
        };

        memory.OtherBytes.Should().Be(100 - 60 - 1 - 4, "the system calls mapped pages free");
    }

    private static Task<GptOssModel> LoadAsync(string cache, RecordingLoggerFactory log) => GptOssModel.LoadAsync(
        Fixtures.ModelDirectory("a"),
        new GptOssModelOptions
        {
            MaxModelLength = 256,
            Placement = new PlacementOptions { Devices = [DeviceId.Cpu] },
            RepackCache = true,
            RepackCacheDirectory = cache,
            LoggerFactory = log,
        },
        null,
        TestContext.Current.CancellationToken);

    private static async Task<(DeviceMemory Memory, int[] Ids)> StartAsync(string cache, RecordingLoggerFactory log)
    {
        await using var model = await LoadAsync(cache, log);
        var ids = await model.Ids([1, 5, 9, 2, 7], Generations.Greedy(4));
        return (model.GetMemoryReport()[0], [.. ids]);
    }
}
