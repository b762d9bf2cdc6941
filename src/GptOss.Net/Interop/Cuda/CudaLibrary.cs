using System.Runtime.InteropServices;

namespace GptOss.Net.Interop.Cuda;

/// <summary>The functions of NVIDIA's driver library (libcuda) that run kernels.</summary>
internal sealed unsafe class CudaLibrary
{
    public readonly delegate* unmanaged<uint, int> Init;
    public readonly delegate* unmanaged<int*, int> DriverGetVersion;
    public readonly delegate* unmanaged<int*, int, int> DeviceGet;
    public readonly delegate* unmanaged<int*, int, int, int> DeviceGetAttribute;
    public readonly delegate* unmanaged<nint*, int, int> PrimaryContextRetain;
    public readonly delegate* unmanaged<int, int> PrimaryContextRelease;
    public readonly delegate* unmanaged<nint, int> ContextSetCurrent;
    public readonly delegate* unmanaged<int*, int, int, int> DeviceCanAccessPeer;
    public readonly delegate* unmanaged<nint, uint, int> ContextEnablePeerAccess;
    public readonly delegate* unmanaged<nint*, byte*, int> ModuleLoadData;
    public readonly delegate* unmanaged<nint, int> ModuleUnload;
    public readonly delegate* unmanaged<nint*, nint, byte*, int> ModuleGetFunction;
    public readonly delegate* unmanaged<nint, int, int, int> FunctionSetAttribute;
    public readonly delegate* unmanaged<int*, int, nint, int> FunctionGetAttribute;
    public readonly delegate* unmanaged<LaunchConfiguration*, nint, void**, void**, int> LaunchKernel;
    public readonly delegate* unmanaged<nuint*, nuint*, int> MemoryGetInfo;
    public readonly delegate* unmanaged<nint*, nuint, int> MemoryAllocate;
    public readonly delegate* unmanaged<nint, int> MemoryFree;
    public readonly delegate* unmanaged<nint*, nuint, uint, int> HostAllocate;
    public readonly delegate* unmanaged<nint, int> HostFree;
    public readonly delegate* unmanaged<nint, nint, nuint, nint, int> MemoryCopy;
    public readonly delegate* unmanaged<nint, byte, nuint, nint, int> MemoryFill;
    public readonly delegate* unmanaged<nint*, uint, int> StreamCreate;
    public readonly delegate* unmanaged<nint, int> StreamDestroy;
    public readonly delegate* unmanaged<nint, int> StreamSynchronize;
    public readonly delegate* unmanaged<nint, nint, uint, int> StreamWaitEvent;
    public readonly delegate* unmanaged<nint*, uint, int> EventCreate;
    public readonly delegate* unmanaged<nint, int> EventDestroy;
    public readonly delegate* unmanaged<nint, nint, int> EventRecord;
    public readonly delegate* unmanaged<nint, int> EventSynchronize;
    public readonly delegate* unmanaged<nint, int> EventQuery;
    public readonly delegate* unmanaged<float*, nint, nint, int> EventElapsedTime;
    public readonly delegate* unmanaged<nint, int, int> StreamBeginCapture;
    public readonly delegate* unmanaged<nint, nint*, int> StreamEndCapture;
    public readonly delegate* unmanaged<nint*, nint, ulong, int> GraphInstantiate;
    public readonly delegate* unmanaged<nint, int> GraphDestroy;
    public readonly delegate* unmanaged<nint, int> GraphExecDestroy;
    public readonly delegate* unmanaged<nint, nint, int> GraphLaunch;
    private readonly delegate* unmanaged<int, byte**, int> _getErrorName;
    private readonly delegate* unmanaged<int, byte**, int> _getErrorString;

    private CudaLibrary(nint library)
    {
        nint Find(string name) => NativeLibrary.GetExport(library, name);
        Init = (delegate* unmanaged<uint, int>)Find("cuInit");
        DriverGetVersion = (delegate* unmanaged<int*, int>)Find("cuDriverGetVersion");
        DeviceGet = (delegate* unmanaged<int*, int, int>)Find("cuDeviceGet");
        DeviceGetAttribute = (delegate* unmanaged<int*, int, int, int>)Find("cuDeviceGetAttribute");
        PrimaryContextRetain = (delegate* unmanaged<nint*, int, int>)Find("cuDevicePrimaryCtxRetain");
        PrimaryContextRelease = (delegate* unmanaged<int, int>)Find("cuDevicePrimaryCtxRelease_v2");
        ContextSetCurrent = (delegate* unmanaged<nint, int>)Find("cuCtxSetCurrent");
        DeviceCanAccessPeer = (delegate* unmanaged<int*, int, int, int>)Find("cuDeviceCanAccessPeer");
        ContextEnablePeerAccess = (delegate* unmanaged<nint, uint, int>)Find("cuCtxEnablePeerAccess");
        ModuleLoadData = (delegate* unmanaged<nint*, byte*, int>)Find("cuModuleLoadData");
        ModuleUnload = (delegate* unmanaged<nint, int>)Find("cuModuleUnload");
        ModuleGetFunction = (delegate* unmanaged<nint*, nint, byte*, int>)Find("cuModuleGetFunction");
        FunctionSetAttribute = (delegate* unmanaged<nint, int, int, int>)Find("cuFuncSetAttribute");
        FunctionGetAttribute = (delegate* unmanaged<int*, int, nint, int>)Find("cuFuncGetAttribute");
        LaunchKernel = (delegate* unmanaged<LaunchConfiguration*, nint, void**, void**, int>)Find("cuLaunchKernelEx");
        MemoryGetInfo = (delegate* unmanaged<nuint*, nuint*, int>)Find("cuMemGetInfo_v2");
        MemoryAllocate = (delegate* unmanaged<nint*, nuint, int>)Find("cuMemAlloc_v2");
        MemoryFree = (delegate* unmanaged<nint, int>)Find("cuMemFree_v2");
        HostAllocate = (delegate* unmanaged<nint*, nuint, uint, int>)Find("cuMemHostAlloc");
        HostFree = (delegate* unmanaged<nint, int>)Find("cuMemFreeHost");
        MemoryCopy = (delegate* unmanaged<nint, nint, nuint, nint, int>)Find("cuMemcpyAsync");
        MemoryFill = (delegate* unmanaged<nint, byte, nuint, nint, int>)Find("cuMemsetD8Async");
        StreamCreate = (delegate* unmanaged<nint*, uint, int>)Find("cuStreamCreate");
        StreamDestroy = (delegate* unmanaged<nint, int>)Find("cuStreamDestroy_v2");
        StreamSynchronize = (delegate* unmanaged<nint, int>)Find("cuStreamSynchronize");
        StreamWaitEvent = (delegate* unmanaged<nint, nint, uint, int>)Find("cuStreamWaitEvent");
        EventCreate = (delegate* unmanaged<nint*, uint, int>)Find("cuEventCreate");
        EventDestroy = (delegate* unmanaged<nint, int>)Find("cuEventDestroy_v2");
        EventRecord = (delegate* unmanaged<nint, nint, int>)Find("cuEventRecord");
        EventQuery = (delegate* unmanaged<nint, int>)Find("cuEventQuery");
        EventSynchronize = (delegate* unmanaged<nint, int>)Find("cuEventSynchronize");
        EventElapsedTime = (delegate* unmanaged<float*, nint, nint, int>)Find("cuEventElapsedTime");
        StreamBeginCapture = (delegate* unmanaged<nint, int, int>)Find("cuStreamBeginCapture_v2");
        StreamEndCapture = (delegate* unmanaged<nint, nint*, int>)Find("cuStreamEndCapture");
        GraphInstantiate = (delegate* unmanaged<nint*, nint, ulong, int>)Find("cuGraphInstantiateWithFlags");
        GraphDestroy = (delegate* unmanaged<nint, int>)Find("cuGraphDestroy");
        GraphExecDestroy = (delegate* unmanaged<nint, int>)Find("cuGraphExecDestroy");
        GraphLaunch = (delegate* unmanaged<nint, nint, int>)Find("cuGraphLaunch");
        _getErrorName = (delegate* unmanaged<int, byte**, int>)Find("cuGetErrorName");
        _getErrorString = (delegate* unmanaged<int, byte**, int>)Find("cuGetErrorString");
    }

    /// <summary>Loads and initializes the driver.</summary>
    /// <param name="device">The device that it is wanted for.</param>
    /// <param name="file">The library; by default the system's.</param>
    /// <exception cref="CudaException">There is none, it is too old, or it cannot start.</exception>
    public static CudaLibrary Load(DeviceId device, string? file = null)
    {
        var name = file ?? (OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1");
        if (!NativeLibrary.TryLoad(name, out var handle))
        {
            throw new CudaException($"No NVIDIA driver is installed: {name} was not found. Install it, or place the model on the CPU.");
        }

        CudaLibrary library;
        try
        {
            library = new CudaLibrary(handle);
        }
        catch (EntryPointNotFoundException exception)
        {
            throw new CudaException(
                $"The NVIDIA driver ({name}) is too old for the CUDA kernels: {exception.Message} Install one for CUDA 12 or newer "
                + "(525 or newer), or place the model on the CPU.", exception);
        }

        library.Check(library.Init(0), "cuInit", device);
        return library;
    }

    /// <exception cref="CudaException">The result is not 0.</exception>
    public void Check(int result, string call, DeviceId device)
    {
        if (result == 0)
        {
            return;
        }

        byte* name = null;
        byte* text = null;
        _ = _getErrorName(result, &name);
        _ = _getErrorString(result, &text);
        throw new CudaException(
            call, device, result, $"{Marshal.PtrToStringUTF8((nint)name) ?? "unknown error"}, {Marshal.PtrToStringUTF8((nint)text) ?? ""}");
    }

    /// <summary>CUlaunchConfig.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct LaunchConfiguration
    {
        public uint GridX, GridY, GridZ, BlockX, BlockY, BlockZ, SharedBytes;
        public nint Stream;
        public LaunchAttribute* Attributes;
        public uint AttributeCount;
    }

    /// <summary>CUlaunchAttribute, whose value is a union of 64 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 72)]
    public struct LaunchAttribute
    {
        public int Id;
        public int Padding;
        public int Value;
    }
}
