using GptOss.Net.Checkpoint;
using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cpu;

/// <summary>
/// Allocates the model's matrices, then fills them from the checkpoint on several threads, unless the memory holds them already.
/// </summary>
/// <remarks>The order of the allocations is that of <see cref="RepackedFile.Version"/>.</remarks>
internal sealed class CpuWeightLoader(
    ModelConfig config, ModelWeights weights, CpuExecutorOptions options, CpuMemory memory, WeightReadProgress progress)
{
    // Rows of a dense matrix that are read and packed at once.
    private const int ChunkRows = 512;

    // What is left to read, each item on any thread.
    private readonly List<Action> _reads = [];

    private readonly CpuWeightFormats _formats = new(options);

    /// <summary>
    /// Loads a model, or a part of it: mapped from the cache where it has it, else read, packed, and kept there. When that fails or is
    /// cancelled, nothing stays allocated.
    /// </summary>
    public static (CpuMemory Memory, CpuWeights Weights) Load(
        ModelConfig config,
        ModelWeights weights,
        CpuExecutorOptions options,
        ModelPart part,
        int threads,
        RepackCache? cache,
        WeightReadProgress progress)
    {
        var form = $"layers {part.FirstLayer}+{part.LayerCount}, embeds {part.Embeds}, unembeds {part.Unembeds}, {options.WeightForm}";
        var sizes = new CpuWeightFormats(options).Estimate(config, weights);
        var bytes = (part.Embeds ? sizes.Embedding : 0) + sizes.Layers.Sum() + (part.Unembeds ? sizes.FinalNorm + sizes.Unembedding : 0);
        var memory = cache?.Open(form, bytes, threads, progress) is { } file ? new CpuMemory(file) : new CpuMemory();
        try
        {
            var loaded = new CpuWeightLoader(config, weights, options, memory, progress).Load(threads, part.Embeds, part.Unembeds);
            if (!memory.IsFilled)
            {
                cache?.Keep(form, memory.Ranges, progress.CancellationToken);
            }

            return (memory, loaded);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Loads all layers, and the ends of the model where they are wanted.</summary>
    /// <exception cref="OperationCanceledException">The progress was cancelled.</exception>
    public CpuWeights Load(int threads, bool embeds = true, bool unembeds = true)
    {
        var loaded = new CpuWeights
        {
            Embedding = embeds ? Embedding() : null,
            Layers = [.. weights.Layers.Select(Layer)],
            End = unembeds
                ? (Vector(weights.FinalNorm), Dense(weights.Unembedding, _formats.OfUnembedding(weights.Unembedding)))
                : null,
        };
        if (!memory.IsFilled)
        {
            ReadAll(threads);
        }

        return loaded;
    }

    private CpuEmbedding Embedding()
    {
        var embedding = new CpuEmbedding(memory, weights.Embedding);
        AddChunks(config.VocabularySize, (first, count) => embedding.Load(first, count), weights.Embedding);
        return embedding;
    }

    private CpuVector Vector(CheckpointTensor source)
    {
        var vector = new CpuVector(memory, source);
        _reads.Add(vector.Load);
        return vector;
    }

    private void AddBias(CpuMatrix matrix, LinearSource source, params RowSelection[] selections) =>
        _reads.Add(() => BiasReader.Read(source, matrix, selections));

    /// <summary>Reads on threads of its own: loading goes on while the application's pool is busy.</summary>
    private void ReadAll(int threads)
    {
        var next = -1;
        using var pool = new CpuThreadPool(threads);
        pool.Run(_ =>
        {
            try
            {
                while (Interlocked.Increment(ref next) is var read && read < _reads.Count)
                {
                    _reads[read]();
                }
            }
            catch
            {
                Volatile.Write(ref next, _reads.Count); // the others end after what they read
                throw;
            }
        });
    }

    private CpuLayer Layer(LayerWeights layer) => new()
    {
        AttentionNorm = Vector(layer.AttentionNorm),
        Query = Linear(layer.Query),
        Key = Linear(layer.Key),
        Value = Linear(layer.Value),
        Output = Linear(layer.Output),
        Sinks = Vector(layer.Sinks),
        MlpNorm = Vector(layer.MlpNorm),
        Router = Router(layer.Router),
        GateUp = [.. layer.Experts.Select(GateUp)],
        Down = [.. layer.Experts.Select(expert => Linear(expert.Down))],
    };

    private CpuMatrix Linear(LinearSource source)
    {
        var matrix = source.Weight is DenseWeightSource { Transposed: false } dense
            ? Dense(dense, _formats.Of(dense))
            : Whole(source.Weight, _formats.Of(source.Weight), source.Weight.OutputSize, new RowSelection(source.Weight.OutputSize));
        AddBias(matrix, source, new RowSelection(source.Weight.OutputSize));
        return matrix;
    }

    private CpuMatrix Router(LinearSource source)
    {
        var matrix = Dense((DenseWeightSource)source.Weight, CpuWeightFormats.OfRouter(source));
        AddBias(matrix, source, new RowSelection(source.Weight.OutputSize));
        return matrix;
    }

    private CpuMatrix GateUp(ExpertSource expert)
    {
        var size = config.IntermediateSize;
        var rows = CpuWeightFormats.GateUpRows(config);
        if (expert.GateUp is { } fused)
        {
            var selections = new[] { RowSelection.Gate(size, fused: true), RowSelection.Up(size, fused: true) };
            var matrix = Whole(fused.Weight, _formats.Of(fused.Weight), rows, selections);
            AddBias(matrix, fused, selections);
            return matrix;
        }

        var (gate, up) = (expert.Gate!, expert.Up!);
        var apart =
            new CpuMatrix(memory, _formats.Of(gate.Weight, up.Weight), rows, gate.Weight.InputSize, size % RowGroup.BlockColumns != 0);
        foreach (var (source, selection)
            in new[] { (gate, RowSelection.Gate(size, fused: false)), (up, RowSelection.Up(size, fused: false)) })
        {
            AddWhole(apart, source.Weight, selection);
            AddBias(apart, source, selection);
        }

        return apart;
    }

    private CpuMatrix Dense(DenseWeightSource source, CpuWeightFormat format)
    {
        if (source.Transposed)
        {
            return Whole(source, format, source.OutputSize, new RowSelection(source.OutputSize));
        }

        var matrix = new CpuMatrix(memory, format, source.OutputSize, source.InputSize);
        AddChunks(source.OutputSize, (first, count) => MatrixReader.ReadRows(source, matrix, (int)first, count), source);
        return matrix;
    }

    private CpuMatrix Whole(WeightSource source, CpuWeightFormat format, int rows, params RowSelection[] selections)
    {
        var padded = selections.Sum(selection => selection.RowCount) != rows;
        var matrix = new CpuMatrix(memory, format, rows, source.InputSize, padded);
        AddWhole(matrix, source, selections);
        return matrix;
    }

    private void AddWhole(CpuMatrix matrix, WeightSource source, params RowSelection[] selections) =>
        _reads.Add(() =>
        {
            MatrixReader.Read(source, matrix, selections);
            progress.Add(source.ByteLength);
        });

    private void AddChunks(int rows, Action<long, int> read, WeightSource source)
    {
        for (var first = 0; first < rows; first += ChunkRows)
        {
            var (start, count) = (first, Math.Min(ChunkRows, rows - first));
            _reads.Add(() =>
            {
                read(start, count);
                progress.Add(source.ByteLength / rows * count);
            });
        }
    }
}
