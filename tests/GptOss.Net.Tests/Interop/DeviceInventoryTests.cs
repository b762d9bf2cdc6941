using GptOss.Net.Interop;

namespace GptOss.Net.Tests.Interop;

public sealed class DeviceInventoryTests
{
    [Fact]
    public void Taking_stock_works_with_and_without_a_driver()
    {
        var inventory = DeviceInventory.Take();

        (inventory.CudaDevices.Count + inventory.Problems.Count).Should().BePositive();
        inventory.CudaDevices.Where(device => device.FreeBytes <= 0 || device.FreeBytes > device.TotalBytes).Should().BeEmpty();
    }

    [Fact]
    public void The_host_has_memory()
    {
        var inventory = DeviceInventory.Take();

        inventory.HostFreeBytes.Should().BePositive().And.BeLessThanOrEqualTo(inventory.HostTotalBytes);
    }
}
