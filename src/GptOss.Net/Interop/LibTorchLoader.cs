using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Interop;

/// <summary>Loads libtorch and then TorchSharp's native part from one location, adapting the latter to older Linux systems.</summary>
internal sealed partial class LibTorchLoader(LibTorchLocation location, ILogger logger)
{
    private const string StandardLibrary = "libstdc++.so.6";

    // Debian 12 and Ubuntu 22.04 have 3.4.30. No relocation of TorchSharp's file is bound to the newer version that it asks for.
    private const string TooNewVersion = "GLIBCXX_3.4.32";

    // Dependencies first: the loader then takes each of these by its name, wherever the libraries that need it lie.
    private static readonly string[] LibTorchParts = ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"];

    /// <summary>Loads everything; libraries once loaded stay until the process ends.</summary>
    /// <exception cref="DllNotFoundException">The loader's own words.</exception>
    /// <exception cref="NativeLibraryException">TorchSharp's file cannot be adapted.</exception>
    internal LoadedLibTorch Load()
    {
        if (location.LibTorchFolder is { } folder && MustLoadFirst(folder))
        {
            foreach (var file in LibTorchParts.Select(part => Path.Combine(folder, LibTorchLocation.FileName(part))).Where(File.Exists))
            {
                LoadWithDependencies(file, depth: 0);
            }
        }

        var patched = LoadLibTorchSharp();
        return new LoadedLibTorch(location.LibTorchFolder, location.CudaFolders, patched);
    }

    /// <summary>A library finds those beside it by itself, but on Linux an adapted copy may have to lie elsewhere.</summary>
    private bool MustLoadFirst(string folder) =>
        OperatingSystem.IsLinux()
        || !string.Equals(folder, Path.GetDirectoryName(location.LibTorchSharpFile), StringComparison.OrdinalIgnoreCase);

    /// <summary>Returns whether an adapted copy had to be loaded.</summary>
    private bool LoadLibTorchSharp()
    {
        if (location.LibTorchSharpFile is not { } file)
        {
            NativeLibrary.Load("LibTorchSharp", typeof(LibTorchLoader).Assembly, searchPath: null);
            return false;
        }

        try
        {
            NativeLibrary.Load(file);
            return false;
        }
        catch (DllNotFoundException exception)
            when (OperatingSystem.IsLinux() && exception.Message.Contains(TooNewVersion, StringComparison.Ordinal))
        {
            LoadAdaptedCopy(file);
            return true;
        }
    }

    /// <summary>
    /// Loads an adapted copy from the first of these places that is there, can be written, and from which the system runs code: the
    /// user's store, the temporary folder, memory.
    /// </summary>
    [SupportedOSPlatform("linux")]
    private void LoadAdaptedCopy(string file)
    {
        var content = File.ReadAllBytes(file);
        ElfVersionNeeds.MarkWeak(content, StandardLibrary, TooNewVersion);
        var name = Path.GetFileName(file);
        foreach (var load in new Action<string, byte[]>[] { LoadFromStore, LoadFromTemporaryFolder })
        {
            try
            {
                load(name, content);
                return;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or DllNotFoundException)
            {
                logger.PlaceUnusable(exception);
            }
        }

        using var memory = MemoryFile.Create(name, content);
        Load(memory.Path);
    }

    [SupportedOSPlatform("linux")]
    private void LoadFromStore(string name, byte[] content) =>
        Load((PatchedLibraryStore.OfCurrentUser() ?? throw new IOException("The user has no home folder.")).Keep(name, content));

    [SupportedOSPlatform("linux")]
    private void LoadFromTemporaryFolder(string name, byte[] content)
    {
        var folder = Directory.CreateTempSubdirectory("GptOss.Net-");
        try
        {
            Load(new PatchedLibraryStore(folder.FullName).Keep(name, content));
        }
        finally
        {
            folder.Delete(recursive: true); // The system keeps a loaded file's content until the process ends.
        }
    }

    private void Load(string copy)
    {
        NativeLibrary.Load(copy);
        logger.LibraryAdapted(TooNewVersion, copy);
    }

    /// <summary>Loads a file, and before it whatever the loader misses that lies in one of the known folders.</summary>
    private void LoadWithDependencies(string file, int depth)
    {
        const int MaximumDepth = 16;
        string? lastMissing = null;
        while (true)
        {
            try
            {
                NativeLibrary.Load(file);
                return;
            }
            catch (DllNotFoundException exception)
            {
                var missing = MissingDependency().Match(exception.Message) is { Success: true } match ? match.Groups[1].Value : null;
                if (missing is null
                    || string.Equals(missing, lastMissing, StringComparison.Ordinal)
                    || depth == MaximumDepth
                    || FindDependency(missing) is not { } dependency)
                {
                    throw;
                }

                LoadWithDependencies(dependency, depth + 1);
                lastMissing = missing;
            }
        }
    }

    private string? FindDependency(string name) => location.CudaFolders
        .Prepend(location.LibTorchFolder ?? AppContext.BaseDirectory)
        .Select(folder => Path.Combine(folder, name))
        .FirstOrDefault(File.Exists);

    [GeneratedRegex(@"^([^\s:/]+\.so[^\s:/]*): cannot open shared object file", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex MissingDependency();
}
