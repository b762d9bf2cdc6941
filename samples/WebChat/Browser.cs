using System.ComponentModel;
using System.Diagnostics;

namespace WebChat;

/// <summary>Opens the page for whoever started the program at a desktop.</summary>
internal static class Browser
{
    /// <summary>Opens an address in the user's browser, where there is one.</summary>
    public static void TryOpen(string address)
    {
        var hasDesktop = !OperatingSystem.IsLinux()
            || Environment.GetEnvironmentVariable("DISPLAY") is not null
            || Environment.GetEnvironmentVariable("WAYLAND_DISPLAY") is not null;
        if (!hasDesktop || Console.IsOutputRedirected)
        {
            return;
        }

        try
        {
            Process.Start(new ProcessStartInfo(address) { UseShellExecute = true })?.Dispose();
        }
        catch (Exception exception) when (exception is Win32Exception or InvalidOperationException or FileNotFoundException)
        {
            // The address stands in the log.
        }
    }
}
