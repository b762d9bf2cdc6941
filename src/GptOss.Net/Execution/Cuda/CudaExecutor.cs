using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.Interop;
using GptOss.Net.Interop.Cuda;
using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Runs the model on one NVIDIA GPU with own kernels over packed weights.</summary>
/// <remarks>
/// A step is given to the device as a whole: one copy of its numbers, then launches, recorded in a graph where only sequences decode.
/// The host waits for nothing until the step is completed. A token's result depends on its own sequence alone: not on the batch, on
/// chunks or on blocks. What a step needs is allocated at load.
/// </remarks>
internal sealed class CudaExecutor : IModelExecutor
{
    private const int LeastMajor = 8;

    /// <summary>How many steps may be begun before the oldest is completed.</summary>
    public const int StepsInFlight = 1;

    private readonly ICudaDriver _driver;
    private readonly CudaMemory _memory;
    private readonly CudaKernels _kernels;
    private readonly CudaShape _shape;
    private readonly CudaStage _stage;
    private readonly CudaWorkspace _workspace;
    private readonly StepInputs _inputs;
    private readonly StepGraphs _graphs;
    private readonly nint _stream;
    private readonly StepSlot[] _slots;
    private readonly Queue<StepSlot> _inFlight = new();
    private readonly int _rowTile;
    private readonly nint _chosen;
    private int _next;

    private CudaExecutor(
        ICudaDriver driver, CudaMemory memory, CudaKernels kernels, CudaShape shape, CudaWeights weights, KVCacheCapacity capacity, CudaExecutorOptions options)
    {
        (_driver, _memory, _kernels, _shape) = (driver, memory, kernels, shape);
        var tokens = CudaWorkspace.Tokens(options.MaxStepTokens, options.MaxSequences);
        var partialChunks = CudaWorkspace.Chunks(options.MaxSequences, options.MaxModelLength);
        _rowTile = CudaWorkspace.Rows(options.MaxSequences);
        _workspace = CudaWorkspace.Allocate(memory, shape, tokens, _rowTile, partialChunks);
        _inputs = new StepInputs(driver, memory, shape, tokens, TableEntries(options, tokens), partialChunks, StepsInFlight);
        var storage = new CudaKVStorage(memory, shape, shape.Config.LayerKinds, capacity);
        _stage = new CudaStage(shape, kernels, weights, storage, _workspace, _inputs, shape.Config.LayerKinds);
        _chosen = memory.Allocate(2L * tokens * sizeof(int));
        _graphs = new StepGraphs(driver);
        _stream = driver.CreateStream();
        _slots = [.. Enumerable.Range(0, StepsInFlight).Select(index => new StepSlot(driver, index))];
    }

    public int MaxStepsInFlight => 1;

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
        try
        {
            var (shape, formats) = (new CudaShape(config), CudaFormats.Of(weights, options.ExpandsExperts));
            kernels = CudaKernels.Load(driver, compiler, cache, shape, formats, report: null, CancellationToken.None);
            var loaded = new CudaWeightLoader(driver, memory, kernels.Pack, shape, formats, weights, progress)
                .Load(0, config.LayerCount, embeds: true, unembeds: true, options.MaxModelLength);
            progress.Complete();
            return new CudaExecutor(driver, memory, kernels, shape, loaded, capacity, options);
        }
        catch
        {
            memory.Dispose();
            kernels?.Dispose();
            driver.Dispose();
            throw;
        }
    }

    public void Begin(StepBatch batch)
    {
        if (_inFlight.Count == StepsInFlight)
        {
            throw new InvalidOperationException($"{_inFlight.Count} of {StepsInFlight} steps are in flight; complete one first.");
        }

        var slot = _slots[_next];
        _next = (_next + 1) % _slots.Length;
        _inFlight.Enqueue(slot);
        slot.Failure = null;
        try
        {
            Compute(batch, slot);
            slot.End(_stream);
        }
#pragma warning disable CA1031 // Thrown where the step is completed.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            slot.Failure = exception;
        }
    }

    public StepResult Complete()
    {
        if (!_inFlight.TryDequeue(out var slot))
        {
            throw new InvalidOperationException("No step is in flight.");
        }

        if (slot.Failure is { } failure)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }

        slot.Wait();
        var vocabulary = _shape.Config.VocabularySize;
        return new StepResult(slot.Logits.Memory[..(slot.Rows * vocabulary)], vocabulary);
    }

    public bool CanContinue()
    {
        try
        {
            _driver.SynchronizeStream(_stream);
            return true;
        }
        catch (CudaException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _ = CanContinue(); // Waits for what is in flight.
        try
        {
            _graphs.Dispose();
            Array.ForEach(_slots, slot => slot.Dispose());
            _driver.DestroyStream(_stream);
            _kernels.Dispose();
        }
        catch (CudaException)
        {
            // A lost device gives nothing back before the process ends.
        }

        _memory.Dispose();
        _driver.Dispose();
    }

    private static int TableEntries(CudaExecutorOptions options, int tokens)
    {
        var sequences = (long)Math.Min(tokens, options.MaxSequences);
        return checked((int)(2 * sequences * (PagedKVCache.BlockCount(options.MaxModelLength) + 1)));
    }

    private void Compute(StepBatch batch, StepSlot slot)
    {
        var stream = new KernelStream(_driver, _stream, IsDependent: false);
        _stage.Copy(stream, batch.BlockCopies);
        var step = _inputs.Send(batch, slot.Index, _stream);
        if (step.IsDecode && step.Tokens <= StepBuckets.Largest)
        {
            _graphs.Launch(stream, step.Tokens, step.Chunks, recording => _stage.Forward(recording, step, _chosen));
        }
        else
        {
            _stage.Forward(stream, step, _chosen);
        }

        Unembed(stream, batch, slot);
    }

    /// <summary>Computes the wanted logits, as many rows at a time as there is room for, and brings them to the host.</summary>
    private void Unembed(KernelStream stream, StepBatch batch, StepSlot slot)
    {
        var (vocabulary, logits) = (_shape.Config.VocabularySize, _workspace.Logits[slot.Index]);
        slot.Rows = batch.RowCount;
        var host = slot.Logits.Reserve(checked(slot.Rows * vocabulary));
        for (var first = 0; first < slot.Rows; first += _rowTile)
        {
            var rows = Math.Min(_rowTile, slot.Rows - first);
            _stage.Unembed(stream, first, rows, logits);
            for (var row = 0; row < rows; row++)
            {
                _driver.Copy(
                    host + ((nint)(first + row) * vocabulary * sizeof(float)),
                    logits + ((nint)row * _shape.Vocabulary * sizeof(float)),
                    (long)vocabulary * sizeof(float),
                    _stream);
            }
        }
    }
}
