using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cpu;

/// <summary>
/// Runs the model, or consecutive layers of it, on the processor with own SIMD kernels over packed weights; needs no libtorch.
/// </summary>
/// <remarks>
/// Every thread walks the whole model, computes its part of each phase and meets the others at its end. A token's result depends
/// on its own sequence alone: not on the batch, on chunks, on blocks or on the number of threads. Once buffers have grown to the
/// largest step, a step allocates nothing.
/// </remarks>
internal sealed unsafe class CpuExecutor : IModelExecutor
{
    private const int FirstTokenCapacity = 16;

    // Rows of logits that are kept from step to step: of as many sequences that decode. A text whose every row is wanted has more.
    private const int KeptRows = 128;

    private readonly CpuMemory _weightMemory;
    private readonly CpuMemory _cacheMemory = new();
    private readonly CpuWeights _weights;
    private readonly ActivationFormats _formats;
    private readonly ModelConfig _config;
    private readonly CpuThreadPool _pool;
    private readonly CpuBatch _batch;
    private readonly CpuKVStorage _storage;
    private readonly CpuAttention _attention;
    private readonly CpuExperts _experts;
    private readonly float[] _frequencies;
    private readonly float _concentration;
    private readonly long _leastThreadWork;
    private readonly Action<int> _computeLayers;
    private readonly Action<int> _computeLogits;
    private CpuStep _step;
    private bool _isBegun;
    private float[] _keptLogits = [];
    private float[] _logits = []; // of the step that is computed, [logits rows, vocabulary]

    private CpuExecutor(
        CpuMemory weightMemory, CpuWeights weights, ModelConfig config, KVCacheCapacity capacity, CpuExecutorOptions options, int threads)
    {
        _weightMemory = weightMemory;
        _weights = weights;
        _config = config;
        _formats = ActivationFormats.Of(weights, options.QuantizeActivations);
        _leastThreadWork = options.LeastThreadWork;
        var shape = new AttentionShape(config.HeadCount, config.KVHeadCount, config.HeadDim);
        _storage = new CpuKVStorage(_cacheMemory, config, shape, capacity);
        _attention = new CpuAttention(config, shape, _storage);
        _experts = new CpuExperts(config);
        _frequencies = YarnFrequencies.InverseFrequencies(config.Rope, config.HeadDim);
        _concentration = YarnFrequencies.Concentration(config.Rope);
        _batch = new CpuBatch(config.SlidingWindow);
        _pool = new CpuThreadPool(threads);
        _step = new CpuStep(_batch, new CpuWorkspace(config, _formats, threads, FirstTokenCapacity), _pool);
        (_computeLayers, _computeLogits) = (ComputeLayers, ComputeLogits);
    }

    /// <summary>Loads a model, or a part of it. When that fails or is cancelled, nothing stays allocated.</summary>
    /// <exception cref="NotSupportedException">The model's shape has no kernel.</exception>
    public static CpuExecutor Load(
        ModelConfig config,
        ModelWeights weights,
        KVCacheCapacity capacity,
        CpuExecutorOptions options,
        WeightReadProgress progress,
        ModelPart? part = null,
        RepackCache? repackCache = null)
    {
        part ??= new ModelPart([DeviceId.Cpu], 0, config.LayerCount, Embeds: true, Unembeds: true);

        // The part is a model of so many layers; only its ends may lie elsewhere.
        config = config with { LayerKinds = [.. config.LayerKinds.Skip(part.FirstLayer).Take(part.LayerCount)] };
        weights = weights with { Layers = [.. weights.Layers.Skip(part.FirstLayer).Take(part.LayerCount)] };

        if (config.HeadDim % RowGroup.BlockColumns != 0)
        {
            throw new NotSupportedException(
                $"The CPU kernels need heads of a multiple of {RowGroup.BlockColumns} values; this model's have {config.HeadDim}.");
        }

        var threads = options.Threads ?? PhysicalCores.Threads(PhysicalCores.Count());
        var (memory, loaded) = CpuWeightLoader.Load(
            config, weights, options, part, Math.Min(threads, options.LoadingThreads ?? threads), repackCache, progress);
        try
        {
            progress.Complete();
            return new CpuExecutor(memory, loaded, config, capacity, options, threads);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    public int MaxStepsInFlight => 1;

    public long MappedWeightBytes => _weightMemory.IsFilled ? _weightMemory.AllocatedBytes : 0;

    /// <summary>Takes in the batch; <see cref="Complete"/> computes it, on the calling thread and those of the pool.</summary>
    public void Begin(StepBatch batch)
    {
        if (_isBegun)
        {
            throw new InvalidOperationException("A step is in flight; complete it first.");
        }

        _batch.Pack(batch);
        _isBegun = true;
    }

    public StepResult Complete()
    {
        if (!_isBegun)
        {
            throw new InvalidOperationException("No step is in flight.");
        }

        _isBegun = false;
        var capacity = Math.Max(_batch.TokenCount, _batch.Step.RowCount);
        if (capacity > _step.Workspace.TokenCapacity)
        {
            Grow(capacity);
        }

        _storage.Copy(_batch.Step.BlockCopies);
        var size = _weights.End is null ? 0 : _batch.Step.RowCount * _config.VocabularySize;
        var logits = _logits = Logits(size);
        try
        {
            _pool.Run(_computeLayers, ThreadsFor(_batch.TokenCount * LayerWork));
            if (size > 0)
            {
                _pool.Run(_computeLogits, ThreadsFor((long)size * _config.HiddenSize));
            }
        }
        finally
        {
            _logits = [];
        }

        return new StepResult(logits.AsMemory(0, size), _config.VocabularySize) { Hidden = _weights.End is null ? Hidden() : default };
    }

    public bool CanContinue() => true; // Memory and threads outlive a failed step.

    public void Dispose()
    {
        _pool.Dispose();
        _step.Workspace.Dispose();
        _cacheMemory.Dispose();
        _weightMemory.Dispose();
        _keptLogits = [];
    }

    /// <summary>Multiplications of a token in a layer, attention to its context left out.</summary>
    private long LayerWork => (long)_config.HiddenSize
        * ((2L * (_config.QuerySize + _config.KVSize)) + (3L * _config.ExpertsPerToken * _config.IntermediateSize));

    /// <summary>As many threads as have enough to do: in a small model they would only wait for each other.</summary>
    private int ThreadsFor(long work) => (int)Math.Clamp(work / _leastThreadWork, 1, _pool.Count);

    private float[] Logits(int size)
    {
        if (size > (long)KeptRows * _config.VocabularySize)
        {
            return GC.AllocateUninitializedArray<float>(size);
        }

        if (_keptLogits.Length < size)
        {
            _keptLogits = GC.AllocateUninitializedArray<float>(size);
        }

        return _keptLogits;
    }

    private void Grow(int tokens)
    {
        var capacity = (int)Math.Max(tokens, Math.Min(2L * _step.Workspace.TokenCapacity, int.MaxValue));
        _step.Workspace.Dispose();
        _step = _step with { Workspace = new CpuWorkspace(_config, _formats, _pool.Count, capacity) };
    }

    private void ComputeLayers(int thread)
    {
        Embed(thread);
        _step.EndPhase();
        for (var layer = 0; layer < _weights.Layers.Length; layer++)
        {
            _attention.Run(_step, _weights.Layers[layer], layer, thread);
            _experts.Run(_step, _weights.Layers[layer], thread);
        }
    }

    private void Embed(int thread)
    {
        var space = _step.Workspace;
        var share = _step.Share(_batch.TokenCount, thread);
        var half = _config.HeadDim / 2;
        var tokens = _batch.Step.TokenIds.Span;
        var positions = _batch.Step.Positions.Span;
        for (var token = share.Start; token < share.End; token++)
        {
            var residual = space.Residual + ((long)token * space.HiddenStride);
            if (_weights.Embedding is { } embedding)
            {
                embedding.Lookup(tokens[token], residual);
            }
            else
            {
                _batch.Step.Hidden.Span.Slice(token * _config.HiddenSize, _config.HiddenSize)
                    .CopyTo(new Span<float>(residual, _config.HiddenSize));
            }

            YarnFrequencies.Angles(
                _frequencies, _concentration, positions[token],
                new Span<float>(space.Cosines + ((long)token * half), half), new Span<float>(space.Sines + ((long)token * half), half));
        }
    }

    /// <summary>The residual behind the last layer, without padding.</summary>
    private float[] Hidden()
    {
        var (space, hidden) = (_step.Workspace, GC.AllocateUninitializedArray<float>(_batch.TokenCount * _config.HiddenSize));
        for (var token = 0; token < _batch.TokenCount; token++)
        {
            new ReadOnlySpan<float>(space.Residual + ((long)token * space.HiddenStride), _config.HiddenSize)
                .CopyTo(hidden.AsSpan(token * _config.HiddenSize));
        }

        return hidden;
    }

    private void ComputeLogits(int thread)
    {
        var (norm, unembedding) = _weights.End!.Value;
        var space = _step.Workspace;
        var rows = _batch.Step.LogitsRows.Span;
        var share = _step.Share(rows.Length, thread);
        for (var row = share.Start; row < share.End; row++)
        {
            _step.Normalize(_config, norm, rows[row], space.LogitsInput, row);
        }

        _step.EndPhase();
        fixed (float* logits = _logits)
        {
            var groups = _step.Share(unembedding.Groups, thread);
            CpuLinear.Store(
                unembedding, groups, space.LogitsInput, rows.Length, logits, _config.VocabularySize, space.Sums[thread]);
        }
    }
}
