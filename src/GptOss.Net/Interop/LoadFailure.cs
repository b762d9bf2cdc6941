namespace GptOss.Net.Interop;

/// <summary>Words the message for a libtorch that cannot be loaded.</summary>
internal static class LoadFailure
{
    internal static string Describe(LibTorchLocation location, Exception exception)
    {
        string[] lines =
        [
            location.LibTorchFolder is { } folder
                ? $"libtorch was found in '{folder}' but cannot be loaded."
                : $"libtorch was not found: there is no {LibTorchLocation.FileName("torch_cpu")} in the folders searched.",
            location.LibTorchSharpFile is { } file
                ? $"TorchSharp's native part: {file}"
                : $"TorchSharp's native part: there is no {LibTorchLocation.FileName("LibTorchSharp")} in the folders searched.",
            "Folders searched:",
            .. location.Searched.Select(searched => $"  {searched}"),
            $"The system's loader said: {OwnWords(exception)}",
            "Add one of these to the application's project file:",
            $"  <PackageReference Include=\"{CpuPackage()}\" Version=\"2.10.0\" />  for the CPU",
            .. CudaLine(),
            "or name the folder torch/lib of a PyTorch install as the libtorch directory in the options.",
        ];
        return string.Join(Environment.NewLine, lines);
    }

    /// <summary>On Linux the runtime puts a paragraph of general advice before the loader's line.</summary>
    private static string OwnWords(Exception exception)
    {
        var lines = exception.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return string.Join("; ", lines.Length > 1 ? lines[1..] : lines);
    }

    private static string CpuPackage() =>
        OperatingSystem.IsWindows() ? "libtorch-cpu-win-x64"
        : OperatingSystem.IsMacOS() ? "libtorch-cpu-osx-arm64"
        : "libtorch-cpu-linux-x64";

    private static string[] CudaLine()
    {
        var package = OperatingSystem.IsWindows() ? "TorchSharp-cuda-windows" : "TorchSharp-cuda-linux";
        return OperatingSystem.IsMacOS() ? [] : [$"  <PackageReference Include=\"{package}\" Version=\"0.107.0\" />  for NVIDIA GPUs"];
    }
}
