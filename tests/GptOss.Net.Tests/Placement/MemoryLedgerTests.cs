using GptOss.Net.Interop;
using GptOss.Net.Placement;

namespace GptOss.Net.Tests.Placement;

public sealed class MemoryLedgerTests
{
    private readonly MemoryLedger _ledger = new(() => new DeviceInventory([], [], HostTotalBytes: 2_000, HostFreeBytes: 1_000));

    [Fact]
    public void What_one_model_was_promised_is_not_promised_to_another()
    {
        var (first, promise) = Take(700);
        first.Should().Be(1_000);

        Take(0).Free.Should().Be(300);

        promise.Dispose();
        Take(0).Free.Should().Be(1_000);
    }

    [Fact]
    public void What_a_model_has_taken_is_not_counted_twice()
    {
        var (_, promise) = Take(700);
        var left = 400L;
        promise.Take(_ => left);
        _ledger.Outstanding(DeviceId.Cpu).Should().Be(400);

        left = 250;

        Take(0).Free.Should().Be(750);
    }

    [Fact]
    public void A_plan_that_fails_promises_nothing()
    {
        var plan = () => _ledger.Promise<PlacementPlan>(_ => throw new PlacementException("No."), plan => plan);

        plan.Should().Throw<PlacementException>();
        _ledger.Outstanding(DeviceId.Cpu).Should().Be(0);
    }

    [Fact]
    public async Task Plans_made_at_once_are_promised_different_bytes()
    {
        var promised = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(
            () => _ledger.Promise(devices => (long)(devices.HostFreeBytes / 2), Plan).Result, TestContext.Current.CancellationToken)));

        promised.Sum().Should().BeLessThanOrEqualTo(1_000).And.Be(_ledger.Outstanding(DeviceId.Cpu));
    }

    private (long Free, MemoryPromise Promise) Take(long bytes)
    {
        var (free, promise) = _ledger.Promise(devices => devices.HostFreeBytes, _ => Plan(bytes));
        return (free, promise);
    }

    private static PlacementPlan Plan(long bytes) => new()
    {
        Stages = [],
        Devices =
        [
            new DevicePlacement
            {
                Device = DeviceId.Cpu,
                Stages = [],
                HoldsEmbedding = true,
                HoldsUnembedding = true,
                WeightBytes = bytes,
                KVBytes = 0,
                WorkspaceBytes = 0,
                BudgetBytes = 0,
                FreeBytes = 0,
            },
        ],
        EmbeddingDevice = DeviceId.Cpu,
        UnembeddingDevice = DeviceId.Cpu,
        MaxConcurrentSequences = 1,
        MaxSequences = 1,
        MaxModelLength = 1,
    };
}
