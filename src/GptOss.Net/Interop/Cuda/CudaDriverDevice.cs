using System.Text;

namespace GptOss.Net.Interop.Cuda;

/// <summary>A device through NVIDIA's driver, in its primary context, which libtorch uses too: both see the same addresses.</summary>
internal sealed unsafe class CudaDriverDevice : ICudaDriver
{
    private const int AttributeMultiprocessors = 16;
    private const int AttributeMajor = 75;
    private const int AttributeMinor = 76;
    private const int AttributeSharedPerMultiprocessor = 81;
    private const int AttributeSharedPerBlock = 97;
    private const int FunctionSharedBytes = 1; // Static shared memory of a kernel
    private const int FunctionMaxDynamicShared = 8;
    private const int LaunchProgrammaticSerialization = 6;
    private const uint StreamNonBlocking = 1;
    private const int CaptureThreadLocal = 1;
    private const uint HostPortableAndMapped = 1 | 2;
    private const int NotReady = 600;
    private const int PeerAccessAlreadyEnabled = 704;

    private readonly CudaLibrary _library;
    private readonly DeviceId _id;
    private readonly int _device;
    private readonly nint _context;

    private CudaDriverDevice(CudaLibrary library, DeviceId id, int device, nint context)
    {
        (_library, _id, _device, _context) = (library, id, device, context);
        Properties = new CudaProperties(
            id,
            new Version(Attribute(AttributeMajor), Attribute(AttributeMinor)),
            Attribute(AttributeMultiprocessors),
            Attribute(AttributeSharedPerBlock),
            Attribute(AttributeSharedPerMultiprocessor));
    }

    /// <summary>Opens a device and keeps its primary context until it is disposed.</summary>
    /// <param name="id">The device.</param>
    /// <param name="driver">The driver's library; by default the system's.</param>
    /// <exception cref="CudaException">There is no usable driver or no such device.</exception>
    public static CudaDriverDevice Open(DeviceId id, string? driver = null)
    {
        var library = CudaLibrary.Load(id, driver);
        int device;
        library.Check(library.DeviceGet(&device, id.Index), "cuDeviceGet", id);
        nint context;
        library.Check(library.PrimaryContextRetain(&context, device), "cuDevicePrimaryCtxRetain", id);
        return new CudaDriverDevice(library, id, device, context);
    }

    public CudaProperties Properties { get; }

    public void Dispose() => _ = _library.PrimaryContextRelease(_device);

    public nint LoadModule(ReadOnlySpan<byte> image)
    {
        Enter();
        nint module;
        fixed (byte* data = image)
        {
            Check(_library.ModuleLoadData(&module, data), "cuModuleLoadData");
        }

        return module;
    }

    public void UnloadModule(nint module) => Call(_library.ModuleUnload, module, "cuModuleUnload");

    public nint GetFunction(nint module, string name)
    {
        Enter();
        nint function;
        fixed (byte* text = Encoding.UTF8.GetBytes(name + '\0'))
        {
            Check(_library.ModuleGetFunction(&function, module, text), $"cuModuleGetFunction({name})");
        }

        int fixedBytes;
        Check(_library.FunctionGetAttribute(&fixedBytes, FunctionSharedBytes, function), "cuFuncGetAttribute");
        Check(
            _library.FunctionSetAttribute(function, FunctionMaxDynamicShared, Properties.SharedBytesPerBlock - fixedBytes),
            $"cuFuncSetAttribute({name})");
        return function;
    }

    public void Launch(nint function, in CudaLaunch launch, ReadOnlySpan<byte> parameters, nint stream)
    {
        Enter();
        var attribute = new CudaLibrary.LaunchAttribute { Id = LaunchProgrammaticSerialization, Value = 1 };
        var configuration = new CudaLibrary.LaunchConfiguration
        {
            GridX = (uint)launch.GridX,
            GridY = (uint)launch.GridY,
            GridZ = (uint)launch.GridZ,
            BlockX = (uint)launch.Threads,
            BlockY = 1,
            BlockZ = 1,
            SharedBytes = (uint)launch.SharedBytes,
            Stream = stream,
            Attributes = &attribute,
            AttributeCount = launch.IsDependent && Properties.HasDependentLaunch ? 1u : 0u,
        };
        fixed (byte* pointer = parameters)
        {
            void* structure = pointer;
            Check(_library.LaunchKernel(&configuration, function, &structure, null), "cuLaunchKernelEx");
        }
    }

    public long FreeBytes()
    {
        Enter();
        nuint free, total;
        Check(_library.MemoryGetInfo(&free, &total), "cuMemGetInfo");
        return checked((long)free);
    }

    public nint Allocate(long bytes)
    {
        Enter();
        nint address;
        Check(_library.MemoryAllocate(&address, (nuint)bytes), $"cuMemAlloc({bytes:N0} bytes)");
        return address;
    }

    public void Free(nint address) => Call(_library.MemoryFree, address, "cuMemFree");

    public nint AllocateHost(long bytes)
    {
        Enter();
        nint address;
        Check(_library.HostAllocate(&address, (nuint)bytes, HostPortableAndMapped), $"cuMemHostAlloc({bytes:N0} bytes)");
        return address;
    }

    public void FreeHost(nint address) => Call(_library.HostFree, address, "cuMemFreeHost");

    public bool TryReach(ICudaDriver other)
    {
        if (other is not CudaDriverDevice device)
        {
            return false;
        }

        Enter();
        int can;
        Check(_library.DeviceCanAccessPeer(&can, _device, device._device), "cuDeviceCanAccessPeer");
        if (can == 0)
        {
            return false;
        }

        var result = _library.ContextEnablePeerAccess(device._context, 0);
        return result is 0 or PeerAccessAlreadyEnabled;
    }

    public void Copy(nint to, nint from, long bytes, nint stream)
    {
        Enter();
        Check(_library.MemoryCopy(to, from, (nuint)bytes, stream), "cuMemcpyAsync");
    }

    public void Fill(nint to, byte value, long bytes, nint stream)
    {
        Enter();
        Check(_library.MemoryFill(to, value, (nuint)bytes, stream), "cuMemsetD8Async");
    }

    public nint CreateStream()
    {
        Enter();
        nint stream;
        Check(_library.StreamCreate(&stream, StreamNonBlocking), "cuStreamCreate");
        return stream;
    }

    public void DestroyStream(nint stream) => Call(_library.StreamDestroy, stream, "cuStreamDestroy");

    public void SynchronizeStream(nint stream) => Call(_library.StreamSynchronize, stream, "cuStreamSynchronize");

    public nint CreateEvent()
    {
        Enter();
        nint handle;
        Check(_library.EventCreate(&handle, 0), "cuEventCreate");
        return handle;
    }

    public void DestroyEvent(nint handle) => Call(_library.EventDestroy, handle, "cuEventDestroy");

    public void RecordEvent(nint handle, nint stream)
    {
        Enter();
        Check(_library.EventRecord(handle, stream), "cuEventRecord");
    }

    public void WaitEvent(nint stream, nint handle)
    {
        Enter();
        Check(_library.StreamWaitEvent(stream, handle, 0), "cuStreamWaitEvent");
    }

    public void SynchronizeEvent(nint handle) => Call(_library.EventSynchronize, handle, "cuEventSynchronize");

    public bool HasHappened(nint handle)
    {
        Enter();
        var result = _library.EventQuery(handle);
        if (result == NotReady)
        {
            return false;
        }

        Check(result, "cuEventQuery");
        return true;
    }

    public float MillisecondsBetween(nint start, nint end)
    {
        Enter();
        float milliseconds;
        Check(_library.EventElapsedTime(&milliseconds, start, end), "cuEventElapsedTime");
        return milliseconds;
    }

    public void BeginCapture(nint stream)
    {
        Enter();
        Check(_library.StreamBeginCapture(stream, CaptureThreadLocal), "cuStreamBeginCapture");
    }

    public nint EndCapture(nint stream)
    {
        Enter();
        nint graph, executable;
        Check(_library.StreamEndCapture(stream, &graph), "cuStreamEndCapture");
        var result = _library.GraphInstantiate(&executable, graph, 0);
        _ = _library.GraphDestroy(graph);
        Check(result, "cuGraphInstantiate");
        return executable;
    }

    public void LaunchGraph(nint graph, nint stream)
    {
        Enter();
        Check(_library.GraphLaunch(graph, stream), "cuGraphLaunch");
    }

    public void DestroyGraph(nint graph) => Call(_library.GraphExecDestroy, graph, "cuGraphExecDestroy");

    private void Call(delegate* unmanaged<nint, int> function, nint handle, string name)
    {
        Enter();
        Check(function(handle), name);
    }

    /// <summary>Makes the device's context the calling thread's; other libraries may have set theirs since.</summary>
    private void Enter() => Check(_library.ContextSetCurrent(_context), "cuCtxSetCurrent");

    private int Attribute(int attribute)
    {
        int value;
        Check(_library.DeviceGetAttribute(&value, attribute, _device), "cuDeviceGetAttribute");
        return value;
    }

    private void Check(int result, string call) => _library.Check(result, call, _id);
}
