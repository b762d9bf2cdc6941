using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace GptOss.Net.Interop;

/// <summary>A file in memory alone. Where nothing can be written, or code is not run from what can be, libraries load from here.</summary>
[SupportedOSPlatform("linux")]
internal sealed partial class MemoryFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    private MemoryFile(SafeFileHandle handle) => _handle = handle;

    /// <summary>Gets the path under which this process can open it, until it is disposed.</summary>
    public string Path => $"/proc/self/fd/{_handle.DangerousGetHandle()}";

    /// <exception cref="IOException">The system makes no such file.</exception>
    public static MemoryFile Create(string name, ReadOnlySpan<byte> content)
    {
        const uint CloseOnExec = 1;
        var descriptor = MemfdCreate(name, CloseOnExec);
        if (descriptor < 0)
        {
            throw new IOException($"No file in memory can be made: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}.");
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        RandomAccess.Write(handle, content, fileOffset: 0);
        return new MemoryFile(handle);
    }

    public void Dispose() => _handle.Dispose();

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MemfdCreate(string name, uint flags);
}
