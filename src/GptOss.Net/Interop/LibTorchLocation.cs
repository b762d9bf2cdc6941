namespace GptOss.Net.Interop;

/// <summary>Where libtorch and TorchSharp's native part were found, if they were, and where they were looked for.</summary>
/// <param name="LibTorchFolder">The folder with libtorch, or <see langword="null"/>: the system's loader is asked.</param>
/// <param name="LibTorchSharpFile">TorchSharp's native part, or <see langword="null"/>: the system's loader is asked.</param>
/// <param name="CudaFolders">Folders of a PyTorch install that hold NVIDIA's libraries.</param>
/// <param name="Searched">Every folder that was looked in.</param>
internal sealed record LibTorchLocation(
    string? LibTorchFolder,
    string? LibTorchSharpFile,
    IReadOnlyList<string> CudaFolders,
    IReadOnlyList<string> Searched)
{
    /// <summary>The file name of a library on this platform.</summary>
    internal static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll"
        : OperatingSystem.IsMacOS() ? $"lib{library}.dylib"
        : $"lib{library}.so";

    /// <summary>Looks beside the application, and for libtorch in <paramref name="libTorchFolder"/> instead if one is given.</summary>
    /// <exception cref="NativeLibraryException">The given folder holds no libtorch, or the application carries another one.</exception>
    internal static LibTorchLocation Find(string? libTorchFolder, IReadOnlyList<string> applicationFolders)
    {
        var own = applicationFolders.FirstOrDefault(HoldsLibTorch);
        var sharp = applicationFolders
            .Select(folder => Path.Combine(folder, FileName("LibTorchSharp")))
            .FirstOrDefault(File.Exists);
        if (libTorchFolder is null)
        {
            return new LibTorchLocation(own, sharp, [], applicationFolders);
        }

        var named = Path.TrimEndingDirectorySeparator(Path.GetFullPath(libTorchFolder));
        string[] candidates = [named, Path.Combine(named, "lib"), Path.Combine(named, "torch", "lib")];
        var chosen = candidates.FirstOrDefault(HoldsLibTorch) ?? throw new NativeLibraryException(
            $"The libtorch folder '{libTorchFolder}' holds no {FileName("torch_cpu")}, nor do its sub-folders lib and torch/lib. " +
            "Name the folder 'torch/lib' of a PyTorch install (`python -c \"import torch; "
            + "print(torch.__path__[0] + '/lib')\"` prints it), " +
            "or set no folder and add a libtorch package to the application.");
        if (own is not null && !string.Equals(Path.GetFullPath(own), chosen, StringComparison.Ordinal))
        {
            throw new NativeLibraryException(
                $"There are two libtorch: the folder '{chosen}' was asked for, but the application carries its own in '{own}', " +
                "and one process cannot hold both. Remove the libtorch package reference from the application, or set no folder.");
        }

        sharp ??= ExistingOrNull(Path.Combine(chosen, FileName("LibTorchSharp")));
        return new LibTorchLocation(chosen, sharp, FindCudaFolders(chosen), [.. candidates, .. applicationFolders]);
    }

    /// <summary>The folders in which the runtime looks for an application's native libraries.</summary>
    internal static IReadOnlyList<string> ApplicationFolders()
    {
        var known = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        string[] folders =
        [
            .. known.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
            AppContext.BaseDirectory,
            Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeIdentifier(), "native"),
        ];
        return [.. folders.Select(Path.TrimEndingDirectorySeparator).Distinct(StringComparer.Ordinal)];
    }

    private static string RuntimeIdentifier()
    {
        var system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
        var architecture = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture;
        return $"{system}-{architecture.ToString().ToLowerInvariant()}";
    }

    private static bool HoldsLibTorch(string folder) => File.Exists(Path.Combine(folder, FileName("torch_cpu")));

    private static string? ExistingOrNull(string file) => File.Exists(file) ? file : null;

    /// <summary>PyTorch's packages put NVIDIA's libraries into site-packages/nvidia/*/lib, beside site-packages/torch/lib.</summary>
    private static string[] FindCudaFolders(string libTorchFolder)
    {
        var nvidia = Path.GetFullPath(Path.Combine(libTorchFolder, "..", "..", "nvidia"));
        string[] packages = Directory.Exists(nvidia) ? Directory.GetDirectories(nvidia) : [];
        return
        [
            .. packages.Order(StringComparer.Ordinal)
                .Select(package => Path.Combine(package, "lib"))
                .Where(Directory.Exists),
        ];
    }
}
