using System.Runtime.CompilerServices;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop.Cuda;
using GptOss.Net.KVCache;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Runs the model on one NVIDIA GPU with own kernels over packed weights.</summary>
/// <remarks>
/// A step is given to the device as a whole: one copy of its numbers, then launches, recorded in a graph where only sequences decode.
/// The host waits for nothing until the step is completed. A token's result depends on its own sequence alone: not on the batch, on
/// chunks or on blocks. What a step needs is allocated at load.
/// </remarks>
internal sealed class CudaExecutor : IModelExecutor
{
    /// <summary>How many steps may be begun: the one that the device computes, and the one that it goes on with.</summary>
    public const int StepsInFlight = 2;

    private readonly ICudaDriver _driver;
    private readonly CudaMemory _memory;
    private readonly CudaKernels _kernels;
    private readonly CudaShape _shape;
    private readonly CudaStage _stage;
    private readonly LayeredStage _layered;
    private readonly CudaWorkspace _workspace;
    private readonly StepInputs _inputs;
    private readonly SamplingInputs _sampling;
    private readonly StepGraphs _graphs;
    private readonly nint _stream;
    private readonly StepSlot[] _slots;
    private readonly Queue<StepSlot> _inFlight = new();
    private readonly int _rowTile;
    private readonly nint _lateCopies;
    private readonly nint _chosen;
    private readonly nint _results;
    private readonly nint _samplingWork;
    private int _next;

    /// <summary>Allocates what steps need. The executor owns driver, memory and kernels from now on.</summary>
    public CudaExecutor(
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
        _layered = new LayeredStage(shape, kernels.Layered, weights, storage, _workspace, _inputs, shape.Config.LayerKinds);
        _sampling = new SamplingInputs(driver, memory, shape, _rowTile, StepsInFlight);
        _chosen = memory.Allocate((long)_rowTile * sizeof(int));
        _results = memory.Allocate((long)_rowTile * Unsafe.SizeOf<SamplingKernels.Result>());
        _samplingWork = memory.Allocate((long)_rowTile * SamplingKernels.WorkBytesPerRow);
        _graphs = new StepGraphs(driver);
        _stream = driver.CreateStream();
        _lateCopies = driver.CreateStream();
        _slots = [.. Enumerable.Range(0, StepsInFlight).Select(index => new StepSlot(driver, memory, index, _rowTile))];
    }

    /// <summary>Gets the device, for tests.</summary>
    public ICudaDriver Driver => _driver;

    public DeviceId Device => _driver.Properties.Device;

    public int MaxStepsInFlight => 1;

    public int MaxStepsAhead => StepsInFlight - 1;

    public void Begin(StepBatch batch)
    {
        if (_inFlight.Count == StepsInFlight)
        {
            throw new InvalidOperationException($"{_inFlight.Count} of {StepsInFlight} steps are in flight; complete one first.");
        }

        var slot = _slots[_next];
        _next = (_next + 1) % _slots.Length;
        _inFlight.Enqueue(slot);
        slot.Begin(batch);
        try
        {
            Compute(batch, slot);
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
        foreach (var row in slot.ReadTokens())
        {
            CopyLate(slot, row);
        }

        var vocabulary = _shape.Config.VocabularySize;
        return new StepResult(slot.Logits.Memory[..(slot.HostRows * vocabulary)], vocabulary)
        {
            Tokens = slot.Tokens,
            LogitsIndices = slot.LogitsIndices,
        };
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
            _driver.DestroyStream(_lateCopies);
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
        var logits = _workspace.Logits[slot.Index];
        _stage.Copy(stream, batch.BlockCopies);
        var step = _inputs.Send(batch, slot.Index, _stream);
        var needs = _sampling.Send(batch.Rows.Span, slot.Index, _stream, slot.ForHost);
        CountHostRows(slot);
        if (LayeredStage.Serves(batch, step))
        {
            _graphs.Launch(stream, step.Tokens, step.Chunks, slot.Index, recording => _layered.Forward(recording, step, _chosen, logits));
            Deliver(stream, slot, 0, step.Tokens, needs);
        }
        else
        {
            Forward(stream, step);
            for (var first = 0; first < batch.RowCount; first += _rowTile)
            {
                var rows = Math.Min(_rowTile, batch.RowCount - first);
                _stage.Unembed(stream, first, rows, logits);
                Deliver(stream, slot, first, rows, needs);
            }
        }

        slot.End(_results, Math.Min(batch.RowCount, _rowTile), _stream);
    }

    private void Forward(KernelStream stream, in StepShape step)
    {
        if (!step.IsDecode || step.Tokens > StepBuckets.Largest)
        {
            _stage.Forward(stream, step, _chosen);
            return;
        }

        var own = step;
        _graphs.Launch(stream, step.Tokens, step.Chunks, StepGraphs.AnySlot, recording => _stage.Forward(recording, own, _chosen));
    }

    /// <summary>Gives each row that goes to the host its place there.</summary>
    private void CountHostRows(StepSlot slot)
    {
        for (var row = 0; row < slot.ForHost.Length; row++)
        {
            slot.LogitsIndices.Span[row] = slot.ForHost[row] ? slot.HostRows++ : 0;
        }

        slot.Logits.Reserve(checked(slot.HostRows * _shape.Config.VocabularySize));
    }

    /// <summary>Rows of logits that the host wants go there, the others are sampled, which only the step's first rows can be.</summary>
    private void Deliver(KernelStream stream, StepSlot slot, int first, int rows, SamplingNeeds needs)
    {
        var logits = _workspace.Logits[slot.Index];
        for (var row = 0; row < rows; row++)
        {
            if (slot.ForHost[first + row])
            {
                CopyRow(slot, first + row, logits + LogitsOffset(row), _stream);
            }
        }

        if (first == 0 && slot.HostRows < slot.ForHost.Length)
        {
            _kernels.Sampling.Sample(
                stream with { IsDependent = true }, new(logits, _sampling.RowsFrom(0), _samplingWork, _results, _chosen), rows, needs);
        }
    }

    /// <summary>A row that turned out to be the host's when it was sampled. Its logits stay until the step after the next begins.</summary>
    private void CopyLate(StepSlot slot, int row)
    {
        slot.LogitsIndices.Span[row] = slot.HostRows++;
        slot.Logits.Reserve(checked(slot.HostRows * _shape.Config.VocabularySize));
        CopyRow(slot, row, _workspace.Logits[slot.Index] + LogitsOffset(row), _lateCopies);
        _driver.SynchronizeStream(_lateCopies);
    }

    private void CopyRow(StepSlot slot, int row, nint logits, nint stream)
    {
        long bytes = (long)_shape.Config.VocabularySize * sizeof(float);
        _driver.Copy(slot.Logits.Address + (nint)(slot.LogitsIndices.Span[row] * bytes), logits, bytes, stream);
    }

    private nint LogitsOffset(int row) => (nint)row * _shape.Vocabulary * sizeof(float);
}
