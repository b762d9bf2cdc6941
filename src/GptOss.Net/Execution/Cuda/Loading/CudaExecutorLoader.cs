using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Interop;
using GptOss.Net.Interop.Cuda;
using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cuda.Loading;

/// <summary>From a device to an executor: compile or find the kernels, test them, bring the weights there, test it all.</summary>
internal static class CudaExecutorLoader
{
    private const int LeastMajor = 8;

    /// <summary>Opens a device and its compiler, and loads a model.</summary>
    /// <exception cref="CudaException">The device, its driver or its compiler cannot do it.</exception>
    public static CudaExecutor Load(
        DeviceId device,
        string? libTorchDirectory,
        ModelConfig config,
        ModelWeights weights,
        KVCacheCapacity capacity,
        CudaExecutorOptions options,
        WeightReadProgress progress)
    {
        var nvrtc = Nvrtc.Load(NvrtcFiles.Candidates(LibTorchLocation.Find(libTorchDirectory, LibTorchLocation.ApplicationFolders())));
        var driver = CudaDriverDevice.Open(device);
        if (driver.Properties.ComputeCapability.Major < LeastMajor)
        {
            var capability = driver.Properties.ComputeCapability;
            driver.Dispose();
            throw new CudaException(
                $"{device} has compute capability {capability}; the CUDA kernels need {LeastMajor}.0 (Ampere) or newer. "
                + "Place the model on another device, or ask for Precision.Reference, which runs on libtorch.");
        }

        return Load(
            driver, new NvrtcCompiler(nvrtc, driver.Properties), KernelCache.OfCurrentUser(), config, weights, capacity, options, progress);
    }

    /// <summary>Compiles the kernels and loads a model. When that fails or is cancelled, nothing stays allocated.</summary>
    /// <param name="driver">The device; the executor owns it from now on.</param>
    /// <param name="compiler">Makes what this driver loads.</param>
    /// <param name="cache">Where compiled kernels are kept.</param>
    /// <param name="config">The architecture; <see cref="CudaShape.WhyNot"/> has nothing against it.</param>
    /// <param name="weights">The checkpoint's weights.</param>
    /// <param name="capacity">Blocks of the cache.</param>
    /// <param name="options">The sizes.</param>
    /// <param name="progress">Told what was read; cancels.</param>
    public static CudaExecutor Load(
        ICudaDriver driver,
        IKernelCompiler compiler,
        KernelCache cache,
        ModelConfig config,
        ModelWeights weights,
        KVCacheCapacity capacity,
        CudaExecutorOptions options,
        WeightReadProgress progress)
    {
        var memory = new CudaMemory(driver);
        CudaKernels? kernels = null;
        CudaExecutor? executor = null;
        try
        {
            var (shape, formats) = (new CudaShape(config), CudaFormats.Of(weights, options.Precision));
            kernels = CudaKernels.Load(driver, compiler, cache, shape, formats, progress.Compiled, progress.CancellationToken);
            if (options.TestsItself)
            {
                kernels.Test(driver, shape, formats);
            }

            var loaded = new CudaWeightLoader(driver, memory, kernels.Pack, shape, formats, weights, progress)
                .Load(0, config.LayerCount, embeds: true, unembeds: true, options.MaxModelLength);
            progress.Complete();
            executor = new CudaExecutor(driver, memory, kernels, shape, loaded, capacity, options);
            if (options.TestsItself)
            {
                new ModelSelfTest(executor, config, capacity, options).Run();
            }

            return executor;
        }
        catch when (executor is not null)
        {
            executor.Dispose();
            throw;
        }
        catch
        {
            memory.Dispose();
            kernels?.Dispose();
            driver.Dispose();
            throw;
        }
    }
}
