using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;

namespace GptOss.Net.Interop;

/// <summary>The part of NVIDIA's driver interface that describes devices; the driver is loaded if it is there.</summary>
internal sealed unsafe class CudaDriver
{
    private const int Success = 0;
    private const int AttributeMajor = 75;
    private const int AttributeMinor = 76;

    private readonly delegate* unmanaged<uint, int> _init;
    private readonly delegate* unmanaged<int*, int> _deviceGetCount;
    private readonly delegate* unmanaged<int*, int, int> _deviceGet;
    private readonly delegate* unmanaged<byte*, int, int, int> _deviceGetName;
    private readonly delegate* unmanaged<byte*, int, int> _deviceGetUuid;
    private readonly delegate* unmanaged<int*, int, int, int> _deviceGetAttribute;
    private readonly delegate* unmanaged<nuint*, int, int> _deviceTotalMemory;
    private readonly delegate* unmanaged<nint*, int, int> _primaryContextRetain;
    private readonly delegate* unmanaged<int, int> _primaryContextRelease;
    private readonly delegate* unmanaged<nint, int> _contextPush;
    private readonly delegate* unmanaged<nint*, int> _contextPop;
    private readonly delegate* unmanaged<nuint*, nuint*, int> _memoryGet;
    private readonly delegate* unmanaged<int, byte**, int> _getErrorName;

    private CudaDriver(nint library)
    {
        _init = (delegate* unmanaged<uint, int>)NativeLibrary.GetExport(library, "cuInit");
        _deviceGetCount = (delegate* unmanaged<int*, int>)NativeLibrary.GetExport(library, "cuDeviceGetCount");
        _deviceGet = (delegate* unmanaged<int*, int, int>)NativeLibrary.GetExport(library, "cuDeviceGet");
        _deviceGetName = (delegate* unmanaged<byte*, int, int, int>)NativeLibrary.GetExport(library, "cuDeviceGetName");
        _deviceGetUuid = (delegate* unmanaged<byte*, int, int>)NativeLibrary.GetExport(library, "cuDeviceGetUuid");
        _deviceGetAttribute = (delegate* unmanaged<int*, int, int, int>)NativeLibrary.GetExport(library, "cuDeviceGetAttribute");
        _deviceTotalMemory = (delegate* unmanaged<nuint*, int, int>)NativeLibrary.GetExport(library, "cuDeviceTotalMem_v2");
        _primaryContextRetain = (delegate* unmanaged<nint*, int, int>)NativeLibrary.GetExport(library, "cuDevicePrimaryCtxRetain");
        _primaryContextRelease = (delegate* unmanaged<int, int>)NativeLibrary.GetExport(library, "cuDevicePrimaryCtxRelease_v2");
        _contextPush = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cuCtxPushCurrent_v2");
        _contextPop = (delegate* unmanaged<nint*, int>)NativeLibrary.GetExport(library, "cuCtxPopCurrent_v2");
        _memoryGet = (delegate* unmanaged<nuint*, nuint*, int>)NativeLibrary.GetExport(library, "cuMemGetInfo_v2");
        _getErrorName = (delegate* unmanaged<int, byte**, int>)NativeLibrary.GetExport(library, "cuGetErrorName");
    }

    /// <summary>The number of devices that this process may see.</summary>
    internal int DeviceCount { get; private set; }

    /// <summary>Loads and initializes the driver; without one, or without a device, says why not.</summary>
    internal static bool TryOpen([NotNullWhen(true)] out CudaDriver? driver, [NotNullWhen(false)] out string? reason)
    {
        driver = null;
        var name = OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";
        if (!NativeLibrary.TryLoad(name, out var library))
        {
            reason = $"no NVIDIA driver is installed ({name} was not found)";
            return false;
        }

        try
        {
            var opened = new CudaDriver(library);
            opened.Check(opened._init(0), "cuInit");
            opened.DeviceCount = opened.CountDevices();
            driver = opened;
            reason = null;
            return true;
        }
        catch (Exception exception) when (exception is EntryPointNotFoundException or NativeLibraryException)
        {
            reason = $"the NVIDIA driver ({name}) cannot be used: {exception.Message}";
            return false;
        }
    }

    /// <summary>Describes one device; its primary context, asked for the free memory, is made if nobody uses it yet.</summary>
    /// <exception cref="NativeLibraryException">The driver refused: another process has the device exclusively, say.</exception>
    internal CudaDevice Describe(int index)
    {
        int device;
        Check(_deviceGet(&device, index), "cuDeviceGet");
        const int NameSize = 256;
        var name = stackalloc byte[NameSize];
        Check(_deviceGetName(name, NameSize, device), "cuDeviceGetName");
        var uuid = stackalloc byte[16];
        Check(_deviceGetUuid(uuid, device), "cuDeviceGetUuid");
        nuint total;
        Check(_deviceTotalMemory(&total, device), "cuDeviceTotalMem");
        return new CudaDevice(
            index,
            Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name)),
            new Guid(new ReadOnlySpan<byte>(uuid, 16), bigEndian: true),
            new Version(Attribute(AttributeMajor, device), Attribute(AttributeMinor, device)),
            checked((long)total),
            FreeBytes(device));
    }

    private int CountDevices()
    {
        int count;
        Check(_deviceGetCount(&count), "cuDeviceGetCount");
        return count;
    }

    private long FreeBytes(int device)
    {
        nint context;
        Check(_primaryContextRetain(&context, device), "cuDevicePrimaryCtxRetain");
        try
        {
            Check(_contextPush(context), "cuCtxPushCurrent");
            nuint free;
            nuint total;
            var result = _memoryGet(&free, &total);
            nint popped;
            Check(_contextPop(&popped), "cuCtxPopCurrent");
            Check(result, "cuMemGetInfo");
            return checked((long)free);
        }
        finally
        {
            _ = _primaryContextRelease(device);
        }
    }

    private int Attribute(int attribute, int device)
    {
        int value;
        Check(_deviceGetAttribute(&value, attribute, device), "cuDeviceGetAttribute");
        return value;
    }

    private void Check(int result, string call)
    {
        if (result == Success)
        {
            return;
        }

        byte* text = null;
        var name = _getErrorName(result, &text) == Success ? Marshal.PtrToStringUTF8((nint)text) : null;
        throw new NativeLibraryException($"{call} answered {name ?? "error"} ({result})");
    }
}
