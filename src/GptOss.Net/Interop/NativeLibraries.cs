using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GptOss.Net.Interop;

/// <summary>Loads libtorch into this process, once, before TorchSharp's first use.</summary>
/// <remarks>
/// TorchSharp afterwards finds its native part by name: on every platform the loader takes a library of that name that is loaded already.
/// Loaded libraries belong to the process and cannot be unloaded, hence the static state, the only one in this library.
/// </remarks>
internal static class NativeLibraries
{
    private static readonly Lock Gate = new();
    private static LoadedLibTorch? _loaded;

    /// <summary>Loads libtorch unless it is loaded; any thread may call, and call again after a failure.</summary>
    /// <param name="libTorchDirectory">
    /// The folder torch/lib of a PyTorch install; <see langword="null"/> for the application's own packages, or for what is loaded.
    /// </param>
    /// <param name="logger">Told what was loaded.</param>
    /// <exception cref="NativeLibraryException">It cannot be loaded, or another folder's libtorch is loaded already.</exception>
    internal static LoadedLibTorch EnsureLoaded(string? libTorchDirectory = null, ILogger? logger = null)
    {
        lock (Gate)
        {
            if (_loaded is null)
            {
                var location = LibTorchLocation.Find(libTorchDirectory, LibTorchLocation.ApplicationFolders());
                _loaded = Load(location, logger ?? NullLogger.Instance);
            }
            else if (libTorchDirectory is not null)
            {
                CheckSame(_loaded, LibTorchLocation.Find(libTorchDirectory, []));
            }

            return _loaded;
        }
    }

    private static LoadedLibTorch Load(LibTorchLocation location, ILogger logger)
    {
        try
        {
            return new LibTorchLoader(location, logger).Load();
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException or IOException
            or UnauthorizedAccessException)
        {
            throw new NativeLibraryException(LoadFailure.Describe(location, exception), exception);
        }
    }

    private static void CheckSame(LoadedLibTorch loaded, LibTorchLocation wanted)
    {
        if (!string.Equals(loaded.LibTorchFolder, wanted.LibTorchFolder, StringComparison.Ordinal))
        {
            throw new NativeLibraryException(
                $"libtorch is asked for from '{wanted.LibTorchFolder}', but this process has loaded it from " +
                $"'{loaded.LibTorchFolder ?? "the system's search path"}' and keeps it until it ends. Name the same folder everywhere.");
        }
    }
}
