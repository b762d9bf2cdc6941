using System.Runtime.InteropServices;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>A device that is the processor: kernels are emulated, device memory is plain memory, everything is done at once.</summary>
/// <remarks>New memory is poisoned, frees are checked, and what is left is known: <see cref="AllocatedBytes"/>.</remarks>
internal sealed unsafe class EmulatedCudaDriver(uint turnOrder = 0) : ICudaDriver
{
    /// <summary>Orders in which a block's threads take turns: ascending, descending, shuffled. A missing barrier shows in one of them.</summary>
    public static readonly uint[] TurnOrders = [0, 1, 7];

    private const byte Poison = 0xCD;

    // A library's state, and there may be one library for several devices, is one block at a time.
    private static readonly Lock Gate = new();

    private readonly Dictionary<nint, long> _allocations = [];
    private readonly Dictionary<nint, string> _names = [];
    private readonly Dictionary<nint, List<Action>> _graphs = [];
    private readonly List<string> _files = [];
    private List<Action>? _recording;
    private nint _lastHandle;

    public CudaProperties Properties { get; } = new(DeviceId.Cuda(0), new Version(8, 0), 132, 227 * 1024, 228 * 1024);

    /// <summary>Gets the bytes of the device that are allocated now.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>Gets the launches so far, in graphs too.</summary>
    public int Launches { get; private set; }

    /// <summary>Gets or sets a value indicating whether the device is gone: every call fails from now on.</summary>
    public bool IsLost { get; set; }

    /// <summary>Gets or sets which launch leaves its results undone, counted from the first; 0: none.</summary>
    public int FaultyLaunch { get; set; }

    public void Dispose() => _files.ForEach(File.Delete);

    public nint LoadModule(ReadOnlySpan<byte> image)
    {
        // A name of its own: the loader gives one handle for one file, and orders of turns would be shared.
        var file = Path.Combine(Path.GetTempPath(), $"GptOss.Net-module-{Guid.NewGuid():N}.so");
        File.WriteAllBytes(file, image);
        _files.Add(file);
        var module = NativeLibrary.Load(file);
        ((delegate* unmanaged<uint, void>)NativeLibrary.GetExport(module, "cuda_emulation_set_order"))(turnOrder);
        return module;
    }

    public void UnloadModule(nint module) => NativeLibrary.Free(module);

    public nint GetFunction(nint module, string name)
    {
        if (!NativeLibrary.TryGetExport(module, $"emulate_{name}", out var function))
        {
            throw Failure("cuModuleGetFunction", 500, $"{name} not found");
        }

        _names[function] = name;
        return function;
    }

    public void Launch(nint function, in CudaLaunch launch, ReadOnlySpan<byte> parameters, nint stream)
    {
        var (shape, copy) = (launch, parameters.ToArray());
        Run(() =>
        {
            lock (Gate)
            {
                if (++Launches == FaultyLaunch)
                {
                    return;
                }

                fixed (byte* own = copy)
                {
                    void* argument = own;
                    var run = (delegate* unmanaged<uint, uint, uint, uint, uint, uint, uint, void**, int>)function;
                    var result = run(
                        (uint)shape.GridX, (uint)shape.GridY, (uint)shape.GridZ, (uint)shape.Threads, 1, 1, (uint)shape.SharedBytes, &argument);
                    if (result != 0)
                    {
                        throw Failure($"cuLaunchKernelEx({_names[function]}, {shape})", result, "the kernel failed");
                    }
                }
            }
        });
    }

    public long FreeBytes() => (1L << 34) - AllocatedBytes;

    public nint Allocate(long bytes)
    {
        var address = AllocateHost(bytes);
        _allocations.Add(address, bytes);
        AllocatedBytes += bytes;
        return address;
    }

    public void Free(nint address)
    {
        if (!_allocations.Remove(address, out var bytes))
        {
            throw Failure("cuMemFree", 1, "nothing is allocated there");
        }

        AllocatedBytes -= bytes;
        FreeHost(address);
    }

    public nint AllocateHost(long bytes)
    {
        var address = (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), 256);
        NativeMemory.Fill((void*)address, (nuint)bytes, Poison);
        return address;
    }

    public void FreeHost(nint address) => NativeMemory.AlignedFree((void*)address);

    public void Copy(nint to, nint from, long bytes, nint stream) => Run(() => Buffer.MemoryCopy((void*)from, (void*)to, bytes, bytes));

    public void Fill(nint to, byte value, long bytes, nint stream) => Run(() => NativeMemory.Fill((void*)to, (nuint)bytes, value));

    public nint CreateStream() => ++_lastHandle;

    public void DestroyStream(nint stream)
    {
    }

    public void SynchronizeStream(nint stream) => CheckAlive();

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

    public void SynchronizeEvent(nint handle) => CheckAlive();

    public float MillisecondsBetween(nint start, nint end) => 0;

    public void BeginCapture(nint stream) => _recording = [];

    public nint EndCapture(nint stream)
    {
        _graphs.Add(++_lastHandle, _recording ?? throw Failure("cuStreamEndCapture", 901, "no recording"));
        _recording = null;
        return _lastHandle;
    }

    public void LaunchGraph(nint graph, nint stream)
    {
        CheckAlive();
        _graphs[graph].ForEach(work => work());
    }

    public void DestroyGraph(nint graph)
    {
        if (!_graphs.Remove(graph))
        {
            throw Failure("cuGraphExecDestroy", 1, "no such graph");
        }
    }

    private void Run(Action work)
    {
        CheckAlive();
        if (_recording is { } recording)
        {
            recording.Add(work);
        }
        else
        {
            work();
        }
    }

    private void CheckAlive()
    {
        if (IsLost)
        {
            throw Failure("cuLaunchKernelEx", 700, "CUDA_ERROR_ILLEGAL_ADDRESS");
        }
    }

    private static CudaException Failure(string call, int code, string description) => new(call, DeviceId.Cuda(0), code, description);
}
