using System.Runtime.InteropServices;

namespace GptOss.Net.Interop;

/// <summary>Asks the operating system for large pages, where it has a way to ask.</summary>
internal static unsafe partial class HugePages
{
    private const int MadviseHugePage = 14;

    /// <summary>Advises that a range be backed by large pages; without them everything works, only slower.</summary>
    public static void Advise(void* address, nuint length)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Madvise(address, length, MadviseHugePage);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Madvise(void* address, nuint length, int advice);
}
