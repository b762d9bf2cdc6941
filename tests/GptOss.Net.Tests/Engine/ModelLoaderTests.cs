using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using GptOss.Net.Engine;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.Interop;
using GptOss.Net.Placement;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GptOss.Net.Tests.Engine;

/// <summary>What loading promises, keeps and gives back.</summary>
public sealed class ModelLoaderTests
{
    private const long GiB = 1L << 30;
    private readonly MemoryLedger _ledger = new(() => new DeviceInventory([], [], HostTotalBytes: 16 * GiB, HostFreeBytes: 8 * GiB));

    [Fact]
    public async Task A_loaded_model_keeps_its_promise_until_it_is_disposed()
    {
        var model = Load(new GptOssModelOptions { MaxSequences = 4 });

        var device = model.Placement.Devices[0];
        _ledger.Outstanding(DeviceId.Cpu).Should().Be(device.KVBytes + device.WorkspaceBytes, "weights are taken");
        await model.DisposeAsync();
        _ledger.Outstanding(DeviceId.Cpu).Should().Be(0);
    }

    [Fact]
    public async Task The_default_leaves_a_share_to_the_process_and_half_of_the_rest_of_the_cache()
    {
        await using var model = Load(new GptOssModelOptions { MaxSequences = 4_000 });

        var device = model.Placement.Devices[0];
        device.FreeBytes.Should().Be(8 * GiB);
        device.BudgetBytes.Should().Be(7 * GiB);
        device.KVBytes.Should().BeLessThanOrEqualTo((7 * GiB) / 2);
    }

    [Fact]
    public async Task Two_models_are_never_promised_the_same_bytes()
    {
        await using var first = Load(new GptOssModelOptions { MaxSequences = 4_000 });
        await using var second = Load(new GptOssModelOptions { MaxSequences = 4_000 });

        second.Placement.Devices[0].FreeBytes.Should()
            .Be((8 * GiB) - first.Placement.Devices[0].KVBytes - first.Placement.Devices[0].WorkspaceBytes);
        (first.Placement.Devices[0].TotalBytes + second.Placement.Devices[0].TotalBytes).Should().BeLessThan(8 * GiB);
    }

    [Fact]
    public async Task As_many_waiting_requests_as_there_are_numbers_are_accepted()
    {
        await using var model = Load(new GptOssModelOptions { MaxWaitingRequests = int.MaxValue });
    }

    public static TheoryData<GptOssModelOptions> Failing =>
    [
        new GptOssModelOptions { MeterFactory = new FailingMeterFactory() },
        new GptOssModelOptions { LoggerFactory = new FailingLoggerFactory(callsThatWork: 0) },
        new GptOssModelOptions { LoggerFactory = new FailingLoggerFactory(callsThatWork: 1) },
    ];

    [Theory]
    [MemberData(nameof(Failing))]
    public void A_load_that_fails_late_keeps_nothing(GptOssModelOptions options)
    {
        FluentActions.Invoking(() => Load(options)).Should().Throw<InvalidOperationException>();

        _ledger.Outstanding(DeviceId.Cpu).Should().Be(0);
    }

    [Fact]
    public async Task Unknown_keys_of_the_config_are_logged_by_name()
    {
        using var directory = new TemporaryDirectory();
        var draft = new Model.CheckpointDraft("a");
        draft.Config["depth_scale"] = 0.5;
        draft.Write(directory.Path);
        using var logs = new RecordingLoggerFactory();

        await using var model = Load(new GptOssModelOptions { LoggerFactory = logs }, directory.Path);

        logs.Texts.Should().ContainSingle(text => text.Contains("not known", StringComparison.Ordinal)).Which.Should()
            .Contain("depth_scale");
    }

    [Theory]
    [InlineData(null, "Up to 64 sequences * MaxSequences is not set*an eighth of MaxModelLength*64 at most*")]
    [InlineData(3, "Up to 3 sequences * as MaxSequences says*")]
    public async Task The_log_says_how_many_sequences_run_at_once_and_why(int? maxSequences, string expected)
    {
        using var logs = new RecordingLoggerFactory();

        await using var model = Load(new GptOssModelOptions { MaxSequences = maxSequences, MaxModelLength = 256, LoggerFactory = logs });

        logs.Texts.Should().ContainSingle(text => text.Contains("generated at once", StringComparison.Ordinal)).Which
            .Should().Match(expected);
        model.Placement.MaxConcurrentSequences.Should().Be(maxSequences ?? 64);
    }

    [Fact]
    public void An_allocation_that_the_system_refuses_is_told_as_such()
    {
        using var memory = new CpuMemory();

        memory.Invoking(m => Allocate(m)).Should().Throw<PlacementException>()
            .WithMessage("*1,152,921,504,606,846,976 bytes*MaxModelLength*");
        ModelLoader.IsOutOfMemory(new ExternalException("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"))
            .Should().BeTrue();
        ModelLoader.IsOutOfMemory(new ExternalException("CUDA out of memory. Tried to allocate 2 GiB")).Should().BeTrue();
        ModelLoader.IsOutOfMemory(new ExternalException("shapes do not match")).Should().BeFalse();

        static unsafe void Allocate(CpuMemory memory) => memory.AllocateUninitialized<byte>(1L << 60);
    }

    private LoadedModel Load(GptOssModelOptions options, string? directory = null)
    {
        var onCpu = options with { Placement = new PlacementOptions { Devices = [DeviceId.Cpu] }, Cpu = new CpuOptions { Threads = 1 } };
        return new ModelLoader(onCpu, "model", _ledger, progress: null, CancellationToken.None).Load(
            directory ?? Fixtures.ModelDirectory("a"));
    }

    private sealed class FailingMeterFactory : IMeterFactory
    {
        public Meter Create(MeterOptions options) => throw new InvalidOperationException("No meter.");

        public void Dispose()
        {
        }
    }

    private sealed class FailingLoggerFactory(int callsThatWork) : ILoggerFactory
    {
        private int _calls;

        public ILogger CreateLogger(string categoryName) =>
            _calls++ < callsThatWork ? NullLogger.Instance : throw new InvalidOperationException("No logger.");

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose()
        {
        }
    }
}
