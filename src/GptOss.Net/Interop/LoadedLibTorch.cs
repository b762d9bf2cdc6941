namespace GptOss.Net.Interop;

/// <summary>The libtorch that this process has loaded.</summary>
/// <param name="LibTorchFolder">The folder it came from, or <see langword="null"/> if the system's loader chose.</param>
/// <param name="CudaFolders">Folders of a PyTorch install with NVIDIA's libraries (NVRTC among them); empty for packages.</param>
/// <param name="IsAdapted">Whether a copy of TorchSharp's native part was loaded that was adapted to this system.</param>
internal sealed record LoadedLibTorch(string? LibTorchFolder, IReadOnlyList<string> CudaFolders, bool IsAdapted);
