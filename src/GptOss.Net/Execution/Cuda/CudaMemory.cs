using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda;

/// <summary>What an executor holds on one device; it goes back as a whole.</summary>
/// <remarks>
/// Taken from the driver, not from libtorch, whose allocator keeps what is freed: after Dispose another load, or another process, has
/// all of it. Both see the same addresses.
/// </remarks>
internal sealed class CudaMemory(ICudaDriver driver) : IDisposable
{
    private readonly List<nint> _device = [];
    private readonly List<nint> _host = [];

    /// <summary>Gets the bytes of the device that are held.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>Gets the bytes of page-locked main memory that are held.</summary>
    public long AllocatedHostBytes { get; private set; }

    /// <summary>Allocates memory of the device; its content is undefined.</summary>
    /// <exception cref="CudaException">The device has too little left.</exception>
    public nint Allocate(long bytes)
    {
        var address = driver.Allocate(Math.Max(bytes, 1));
        _device.Add(address);
        AllocatedBytes += bytes;
        return address;
    }

    /// <summary>Allocates memory of the device that holds zeros.</summary>
    public nint AllocateZeros(long bytes, nint stream)
    {
        var address = Allocate(bytes);
        driver.Fill(address, 0, bytes, stream);
        return address;
    }

    /// <summary>Allocates page-locked main memory.</summary>
    public nint AllocateHost(long bytes)
    {
        var address = driver.AllocateHost(Math.Max(bytes, 1));
        _host.Add(address);
        AllocatedHostBytes += bytes;
        return address;
    }

    public void Dispose()
    {
        Release(_device, driver.Free);
        Release(_host, driver.FreeHost);
        (AllocatedBytes, AllocatedHostBytes) = (0, 0);
    }

    /// <summary>A lost device refuses; then the process's end gives the rest back.</summary>
    private static void Release(List<nint> addresses, Action<nint> free)
    {
        foreach (var address in addresses)
        {
            try
            {
                free(address);
            }
            catch (CudaException)
            {
                break;
            }
        }

        addresses.Clear();
    }
}
