using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>A device that is the processor: kernels are emulated, device memory is plain memory, everything is done at once.</summary>
/// <remarks>
/// New memory is poisoned, frees are checked, and what is left is known: <see cref="AllocatedBytes"/>. Of several devices
/// (<see cref="EmulatedMachine"/>) the work waits in its streams until the host waits.
/// </remarks>
internal sealed unsafe class EmulatedCudaDriver(uint turnOrder = 0, EmulatedMachine? machine = null, int index = 0) : ICudaDriver
{
    /// <summary>
    /// Orders in which a block's threads take turns: ascending, descending, shuffled. A missing barrier shows in one of them.
    /// </summary>
    public static readonly uint[] TurnOrders = [0, 1, 7];

    private const byte Poison = 0xCD;

    private static long _lastHandle;

    // A module's copy of the emulation's state is one block at a time.
    private readonly ConcurrentDictionary<nint, Lock> _gates = [];
    private readonly ConcurrentDictionary<nint, long> _allocations = [];
    private readonly ConcurrentDictionary<nint, StrongBox<bool>> _events = [];
    private readonly HashSet<EmulatedCudaDriver> _reached = [];
    private readonly ConcurrentDictionary<nint, string> _names = [];
    private readonly ConcurrentDictionary<nint, List<Action>> _graphs = [];
    private readonly Dictionary<nint, string> _modules = [];
    private List<Action>? _recording;
    private int _users;

    public CudaProperties Properties { get; } = new(DeviceId.Cuda(index), new Version(8, 0), 132, 227 * 1024, 228 * 1024);

    /// <summary>Gets the bytes of the device that are allocated now.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>Gets the launches so far, in graphs too.</summary>
    public int Launches { get; private set; }

    /// <summary>Gets or sets a value indicating whether the device is gone: every call fails from now on.</summary>
    public bool IsLost { get; set; }

    /// <summary>Gets or sets a value indicating whether the device does nothing any more, and does not tell.</summary>
    public bool IsHung { get; set; }

    /// <summary>Gets or sets the bytes of the device.</summary>
    public long MemoryBytes { get; set; } = 1L << 34;

    /// <summary>Gets or sets which launch leaves its results undone, counted from the first; 0: none.</summary>
    public int FaultyLaunch { get; set; }

    /// <summary>The device for one more executor of a chain; each disposes of it, the last one in truth.</summary>
    public EmulatedCudaDriver Open()
    {
        _users++;
        return this;
    }

    /// <summary>What a lost or hanging device could not give back goes here; <see cref="AllocatedBytes"/> still tells of it.</summary>
    public void Dispose()
    {
        if (--_users > 0)
        {
            return;
        }

        if (machine?.End(this) == false)
        {
            return; // A kernel still runs, and may use the rest.
        }

        foreach (var address in _allocations.Keys)
        {
            _allocations.TryRemove(address, out _);
            NativeMemory.AlignedFree((void*)address);
        }

        foreach (var module in _modules.Keys)
        {
            UnloadModule(module);
        }
    }

    public nint LoadModule(ReadOnlySpan<byte> image)
    {
        // A name of its own: the loader gives one handle for one file, and orders of turns would be shared.
        var file = Path.Combine(Path.GetTempPath(), $"GptOss.Net-module-{Guid.NewGuid():N}.so");
        File.WriteAllBytes(file, image);
        var module = NativeLibrary.Load(file);
        _modules[module] = file;
        ((delegate* unmanaged<uint, void>)NativeLibrary.GetExport(module, "cuda_emulation_set_order"))(turnOrder);
        return module;
    }

    public void UnloadModule(nint module)
    {
        NativeLibrary.Free(module);
        File.Delete(_modules[module]);
        _modules.Remove(module);
    }

    public nint GetFunction(nint module, string name)
    {
        if (!NativeLibrary.TryGetExport(module, $"emulate_{name}", out var function))
        {
            throw Failure("cuModuleGetFunction", 500, $"{name} not found");
        }

        _names[function] = name;
        _gates[function] = _gates.GetOrAdd(module, _ => new Lock());
        return function;
    }

    public void Launch(nint function, in CudaLaunch launch, ReadOnlySpan<byte> parameters, nint stream)
    {
        var (shape, copy) = (launch, parameters.ToArray());
        Run(stream, () =>
        {
            lock (_gates[function])
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
                        (uint)shape.GridX, (uint)shape.GridY, (uint)shape.GridZ, (uint)shape.Threads, 1, 1, (uint)shape.SharedBytes,
                        &argument);
                    if (result != 0)
                    {
                        throw Failure($"cuLaunchKernelEx({_names[function]}, {shape})", result, "the kernel failed");
                    }
                }
            }
        });
    }

    public long FreeBytes() => MemoryBytes - AllocatedBytes;

    public nint Allocate(long bytes)
    {
        if (bytes > FreeBytes())
        {
            throw Failure($"cuMemAlloc({bytes:N0} bytes)", 2, "CUDA_ERROR_OUT_OF_MEMORY");
        }

        var address = AllocateHost(bytes);
        _allocations[address] = bytes;
        AllocatedBytes += bytes;
        return address;
    }

    public void Free(nint address)
    {
        machine?.Finish(); // as a real one waits for what may use the memory
        if (!_allocations.TryRemove(address, out var bytes))
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

    public void FreeHost(nint address)
    {
        machine?.Finish();
        NativeMemory.AlignedFree((void*)address);
    }

    public bool TryReach(ICudaDriver other)
    {
        if (machine is not { HasPeerAccess: true } || other is not EmulatedCudaDriver device)
        {
            return false;
        }

        _reached.Add(device);
        return true;
    }

    public void Copy(nint to, nint from, long bytes, nint stream)
    {
        CheckReach(to);
        CheckReach(from);
        var crosses = Owner(to) is { } receiver && Owner(from) is { } sender && receiver != sender;
        var fault = crosses ? machine!.Fault : LinkFault.None;
        Run(stream, () => CopyNow((byte*)to, (byte*)from, bytes, fault));
    }

    public void Fill(nint to, byte value, long bytes, nint stream) => Run(stream, () => NativeMemory.Fill((void*)to, (nuint)bytes, value));

    public nint CreateStream() => (nint)Interlocked.Increment(ref _lastHandle);

    public void DestroyStream(nint stream)
    {
        machine?.RunUntilIdle(this, stream);
        machine?.End(this, stream);
    }

    public void SynchronizeStream(nint stream)
    {
        CheckAlive();
        if (IsHung || machine?.RunUntilIdle(this, stream) == false)
        {
            throw new InvalidOperationException($"{Properties.Device} would wait for ever.");
        }
    }

    public nint CreateEvent()
    {
        var handle = (nint)Interlocked.Increment(ref _lastHandle);
        _events[handle] = new StrongBox<bool>(true); // Nothing has to happen before it is recorded.
        return handle;
    }

    public void DestroyEvent(nint handle) => _events.TryRemove(handle, out _);

    public void RecordEvent(nint handle, nint stream)
    {
        CheckAlive();
        var happened = new StrongBox<bool>();
        _events[handle] = happened;
        Run(stream, () => happened.Value = true);
    }

    public void WaitEvent(nint stream, nint handle)
    {
        CheckAlive();
        if (machine is not null)
        {
            var happened = machine.Devices.Select(device => device._events.GetValueOrDefault(handle)).Single(known => known is not null)!;
            machine.Add(this, stream, () => happened.Value);
        }
    }

    public void SynchronizeEvent(nint handle)
    {
        CheckAlive();
        if (!HasHappened(handle))
        {
            throw new InvalidOperationException($"{Properties.Device} would wait for ever.");
        }
    }

    public bool HasHappened(nint handle)
    {
        CheckAlive();
        var happened = _events[handle];
        return !IsHung && (machine is null || machine.RunUntil(() => happened.Value));
    }

    public float MillisecondsBetween(nint start, nint end) => 0;

    public void BeginCapture(nint stream) => _recording = [];

    public nint EndCapture(nint stream)
    {
        var handle = (nint)Interlocked.Increment(ref _lastHandle);
        _graphs[handle] = _recording ?? throw Failure("cuStreamEndCapture", 901, "no recording");
        _recording = null;
        return handle;
    }

    public void LaunchGraph(nint graph, nint stream)
    {
        CheckAlive();
        _graphs[graph].ForEach(work => Run(stream, work));
    }

    public void DestroyGraph(nint graph)
    {
        if (!_graphs.TryRemove(graph, out _))
        {
            throw Failure("cuGraphExecDestroy", 1, "no such graph");
        }
    }

    private static void CopyNow(byte* to, byte* from, long bytes, LinkFault fault)
    {
        for (long i = 0; i < bytes && fault is (LinkFault.Zeros or LinkFault.HalfWord); i++)
        {
            to[i] = fault == LinkFault.Zeros ? (byte)0 : i % 4 < 2 ? from[i] : to[i];
        }

        if (fault == LinkFault.None)
        {
            Buffer.MemoryCopy(from, to, bytes, bytes);
        }
    }

    private EmulatedCudaDriver? Owner(nint address) => machine?.Devices.FirstOrDefault(device => device.Owns(address));

    private bool Owns(nint address) =>
        _allocations.Any(allocation => address >= allocation.Key && address < allocation.Key + allocation.Value);

    private void CheckReach(nint address)
    {
        if (Owner(address) is { } owner && owner != this && !_reached.Contains(owner))
        {
            throw Failure("cuMemcpyAsync", 1, $"CUDA_ERROR_INVALID_VALUE: the memory is {owner.Properties.Device}'s");
        }
    }

    private void Run(nint stream, Action work)
    {
        CheckAlive();
        if (_recording is { } recording)
        {
            recording.Add(work);
        }
        else if (machine is null)
        {
            work();
        }
        else
        {
            machine.Add(this, stream, () =>
            {
                work();
                return true;
            });
        }
    }

    private void CheckAlive()
    {
        if (IsLost)
        {
            throw Failure("cuLaunchKernelEx", 700, "CUDA_ERROR_ILLEGAL_ADDRESS");
        }
    }

    private CudaException Failure(string call, int code, string description) => new(call, Properties.Device, code, description);
}
