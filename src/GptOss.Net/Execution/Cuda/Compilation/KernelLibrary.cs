using System.Collections.Concurrent;
using System.Text;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda.Compilation;

/// <summary>Kernels of one device, compiled and loaded; found by name, by any thread.</summary>
internal sealed class KernelLibrary : IDisposable
{
    private readonly ICudaDriver _driver;
    private readonly List<(nint Module, byte[] Image)> _modules = [];
    private readonly ConcurrentDictionary<string, nint> _functions = new(StringComparer.Ordinal);

    private KernelLibrary(ICudaDriver driver) => _driver = driver;

    /// <summary>Compiles what the cache does not hold, several units at once, and loads everything.</summary>
    /// <param name="driver">The device.</param>
    /// <param name="compiler">Makes what this driver loads.</param>
    /// <param name="cache">Where compiled units are kept.</param>
    /// <param name="sources">The units; their names differ.</param>
    /// <param name="report">Told the number of units that are ready, and of all; from any thread, one call after the other.</param>
    /// <param name="cancellationToken">Ends the compilation between two units.</param>
    public static KernelLibrary Load(
        ICudaDriver driver,
        IKernelCompiler compiler,
        KernelCache cache,
        IReadOnlyCollection<KernelSource> sources,
        Action<int, int>? report,
        CancellationToken cancellationToken)
    {
        var images = new ConcurrentDictionary<string, byte[]>(StringComparer.Ordinal);
        try
        {
            Parallel.ForEach(sources, new ParallelOptions { CancellationToken = cancellationToken }, source =>
            {
                var image = cache.Get(source, compiler);
                lock (images)
                {
                    images[source.Name] = image;
                    report?.Invoke(images.Count, sources.Count);
                }
            });
        }
        catch (AggregateException exception)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
        }

        var library = new KernelLibrary(driver);
        try
        {
            foreach (var source in sources)
            {
                library._modules.Add((driver.LoadModule(images[source.Name]), images[source.Name]));
            }

            return library;
        }
        catch
        {
            library.Dispose();
            throw;
        }
    }

    /// <summary>Finds a kernel in any of the units.</summary>
    /// <exception cref="CudaException">No unit has it.</exception>
    public nint Find(string name) => _functions.GetOrAdd(name, FindInModules);

    public void Dispose() => _modules.ForEach(unit => _driver.UnloadModule(unit.Module));

    private nint FindInModules(string name)
    {
        // Only units that have the name: a driver's refusal is an error to a sanitizer.
        CudaException? missing = null;
        var symbol = Encoding.UTF8.GetBytes($"{name}\0");
        foreach (var (module, _) in _modules.Where(unit => unit.Image.AsSpan().IndexOf(symbol) >= 0))
        {
            try
            {
                return _driver.GetFunction(module, name);
            }
            catch (CudaException exception)
            {
                missing = exception;
            }
        }

        throw missing ?? new CudaException($"No unit has a kernel {name}.");
    }
}
