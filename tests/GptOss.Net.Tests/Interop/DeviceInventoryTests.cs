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

    [Theory]
    [InlineData("MemAvailable:   24576 kB", 24576L * 1024)]
    [InlineData("MemFree: 1 kB", null)]
    [InlineData("MemAvailable: much", null)]
    public void The_kernel_s_table_is_read(string line, long? bytes) =>
        HostMemory.ParseAvailable(["MemTotal: 9 kB", line]).Should().Be(bytes);
}
