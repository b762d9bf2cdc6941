namespace GptOss.Net.Interop.Cuda;

/// <summary>
/// Where NVRTC can lie: beside libtorch, in PyTorch's NVIDIA packages, in a CUDA toolkit, or where the system's loader looks.
/// </summary>
internal static class NvrtcFiles
{
    private static readonly string[] Majors = ["13", "12", "11.2"];

    /// <summary>Files and names to try, the best first.</summary>
    /// <param name="libTorch">Where libtorch lies; it need not be loaded.</param>
    public static IReadOnlyList<string> Candidates(LibTorchLocation libTorch)
    {
        string?[] folders = [libTorch.LibTorchFolder, .. libTorch.CudaFolders, .. LibTorchLocation.ApplicationFolders()];
        return [.. folders.OfType<string>().Concat(ToolkitFolders()).Distinct(StringComparer.Ordinal).SelectMany(Files), .. SystemNames()];
    }

    private static IEnumerable<string> Files(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return [];
        }

        // libnvrtc.so.12, libnvrtc-672ee683.so.11.2, nvrtc64_120_0.dll, but not its built-ins, nor the variant for old systems.
        var pattern = OperatingSystem.IsWindows() ? "nvrtc64_*.dll" : "libnvrtc*.so*";
        return Directory.EnumerateFiles(folder, pattern)
            .Where(file => !Path.GetFileName(file).Contains("builtins", StringComparison.Ordinal)
                && !Path.GetFileName(file).Contains("alt", StringComparison.Ordinal))
            .OrderDescending(StringComparer.Ordinal);
    }

    private static IEnumerable<string> ToolkitFolders()
    {
        string?[] roots =
            [Environment.GetEnvironmentVariable("CUDA_PATH"), Environment.GetEnvironmentVariable("CUDA_HOME"), "/usr/local/cuda"];
        return roots.Where(root => !string.IsNullOrEmpty(root))
            .SelectMany(root => new[] { Path.Combine(root!, "lib64"), Path.Combine(root!, "bin"), Path.Combine(root!, "bin", "x64") });
    }

    private static IEnumerable<string> SystemNames() => OperatingSystem.IsWindows()
        ? ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll", "nvrtc64_112_0.dll"]
        : [.. Majors.Select(major => $"libnvrtc.so.{major}"), "libnvrtc.so"];
}
