using System.ComponentModel;
using System.Diagnostics;

namespace GptOss.Net.Tests;

/// <summary>A small file system in memory, where this process may mount one.</summary>
internal static class SmallDisk
{
    /// <summary>Mounts one on a folder, or changes what is mounted there.</summary>
    /// <returns>Whether it is there.</returns>
    public static Task<bool> MountAsync(string folder, string size, string options = "rw") =>
        RunAsync("mount", "-t", "tmpfs", "-o", $"size={size},{options}", "tmpfs", folder);

    public static Task<bool> UnmountAsync(string folder) => RunAsync("umount", folder);

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(program, arguments);
            await process.WaitForExitAsync();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
