using System.Runtime.InteropServices;

namespace GptOss.Net.Interop;

/// <summary>Linux's futex: threads sleep until a number changes, and one call wakes all; a monitor wakes one after the other.</summary>
internal static unsafe partial class Futex
{
    private const int WaitPrivate = 0 | 128;
    private const int WakePrivate = 1 | 128;

    private static readonly nint Number = Find();

    /// <summary>Gets a value indicating whether there is one here.</summary>
    public static bool IsSupported => Number != 0;

    /// <summary>Sleeps if the number is <paramref name="value"/>; returns when woken, and now and then for nothing.</summary>
    /// <param name="address">The number, which must not move.</param>
    /// <param name="value">What it has to be.</param>
    public static void Wait(int* address, int value) => Call(Number, address, WaitPrivate, value, 0);

    /// <summary>Wakes all who sleep there.</summary>
    public static void WakeAll(int* address) => Call(Number, address, WakePrivate, int.MaxValue, 0);

    /// <summary>The number of the system call.</summary>
    private static nint Find() => !OperatingSystem.IsLinux() ? 0 : RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 202,
        Architecture.Arm64 => 98,
        _ => 0,
    };

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint Call(nint number, int* address, nint operation, nint value, nint timeout);
}
