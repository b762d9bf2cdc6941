using System.Runtime.InteropServices;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>A device that computes nothing: it counts the memory that is asked for, and brings small arrays where they are to go.</summary>
/// <remarks>What nobody touches takes no memory of the machine, so that it can have the sizes of a real card.</remarks>
internal sealed unsafe class CountingCudaDriver(int index, bool hasPeerAccess) : ICudaDriver
{
    private const long LargestCopy = 4 << 20;

    private readonly Dictionary<nint, long> _allocations = [];
    private nint _lastHandle;

    public CudaProperties Properties { get; } = new(DeviceId.Cuda(index), new Version(8, 0), 132, 227 * 1024, 228 * 1024);

    /// <summary>Gets the bytes of the device that are allocated now.</summary>
    public long AllocatedBytes => _allocations.Values.Sum();

    public nint LoadModule(ReadOnlySpan<byte> image) => ++_lastHandle;

    public void UnloadModule(nint module)
    {
    }

    public nint GetFunction(nint module, string name) => ++_lastHandle;

    public void Launch(nint function, in CudaLaunch launch, ReadOnlySpan<byte> parameters, nint stream)
    {
    }

    public long FreeBytes() => 1L << 40;

    public nint Allocate(long bytes)
    {
        var address = AllocateHost(bytes);
        _allocations.Add(address, bytes);
        return address;
    }

    public void Free(nint address)
    {
        _allocations.Remove(address).Should().BeTrue();
        FreeHost(address);
    }

    public nint AllocateHost(long bytes) => (nint)NativeMemory.AllocZeroed((nuint)bytes);

    public void FreeHost(nint address) => NativeMemory.Free((void*)address);

    public bool TryReach(ICudaDriver other) => hasPeerAccess;

    public void Copy(nint to, nint from, long bytes, nint stream)
    {
        if (bytes <= LargestCopy)
        {
            Buffer.MemoryCopy((void*)from, (void*)to, bytes, bytes);
        }
    }

    public void Fill(nint to, byte value, long bytes, nint stream)
    {
        if (bytes <= LargestCopy)
        {
            NativeMemory.Fill((void*)to, (nuint)bytes, value);
        }
    }

    public nint CreateStream() => ++_lastHandle;

    public void DestroyStream(nint stream)
    {
    }

    public void SynchronizeStream(nint stream)
    {
    }

    public nint CreateEvent() => ++_lastHandle;

    public void DestroyEvent(nint handle)
    {
    }

    public void RecordEvent(nint handle, nint stream)
    {
    }

    public void WaitEvent(nint stream, nint handle)
    {
    }

    public void SynchronizeEvent(nint handle)
    {
    }

    public bool HasHappened(nint handle) => true;

    public float MillisecondsBetween(nint start, nint end) => 1;

    public void BeginCapture(nint stream)
    {
    }

    public nint EndCapture(nint stream) => ++_lastHandle;

    public void LaunchGraph(nint graph, nint stream)
    {
    }

    public void DestroyGraph(nint graph)
    {
    }

    public void Dispose()
    {
    }
}
