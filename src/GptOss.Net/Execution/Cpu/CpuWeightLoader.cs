using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cpu;

/// <summary>Allocates the model's matrices, then fills them from the checkpoint on several threads.</summary>
internal sealed class CpuWeightLoader(
    ModelConfig config, ModelWeights weights, CpuExecutorOptions options, CpuMemory memory, WeightReadProgress progress)
{
    // Rows of a dense matrix that are read and packed at once.
    private const int ChunkRows = 512;

    // What is left to read, each item on any thread.
    private readonly List<Action> _reads = [];

    private readonly CpuWeightFormats _formats = new(options);

    /// <summary>Loads all layers, and the ends of the model where they are wanted.</summary>
    /// <exception cref="OperationCanceledException">The progress was cancelled.</exception>
    public CpuWeights Load(int threads, bool embeds = true, bool unembeds = true)
    {
        var loaded = new CpuWeights
        {
            Embedding = embeds ? Embedding() : null,
            Layers = [.. weights.Layers.Select(Layer)],
            End = unembeds
                ? (new CpuVector(memory, weights.FinalNorm), Dense(weights.Unembedding, _formats.OfUnembedding(weights.Unembedding)))
                : null,
        };
        ReadAll(threads);
        return loaded;
    }

    private CpuEmbedding Embedding()
    {
        var embedding = new CpuEmbedding(memory, weights.Embedding);
        AddChunks(config.VocabularySize, (first, count) => embedding.Load(first, count), weights.Embedding);
        return embedding;
    }

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
        AttentionNorm = new CpuVector(memory, layer.AttentionNorm),
        Query = Linear(layer.Query),
        Key = Linear(layer.Key),
        Value = Linear(layer.Value),
        Output = Linear(layer.Output),
        Sinks = new CpuVector(memory, layer.Sinks),
        MlpNorm = new CpuVector(memory, layer.MlpNorm),
        Router = Router(layer.Router),
        GateUp = [.. layer.Experts.Select(GateUp)],
        Down = [.. layer.Experts.Select(expert => Linear(expert.Down))],
    };

    private CpuMatrix Linear(LinearSource source)
    {
        var matrix = source.Weight is DenseWeightSource { Transposed: false } dense
            ? Dense(dense, _formats.Of(dense))
            : Whole(source.Weight, _formats.Of(source.Weight), source.Weight.OutputSize, new RowSelection(source.Weight.OutputSize));
        BiasReader.Read(source, matrix, new RowSelection(source.Weight.OutputSize));
        return matrix;
    }

    private CpuMatrix Router(LinearSource source)
    {
        var matrix = Dense((DenseWeightSource)source.Weight, CpuWeightFormats.OfRouter(source));
        BiasReader.Read(source, matrix, new RowSelection(source.Weight.OutputSize));
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
            BiasReader.Read(fused, matrix, selections);
            return matrix;
        }

        var (gate, up) = (expert.Gate!, expert.Up!);
        var apart =
            new CpuMatrix(memory, _formats.Of(gate.Weight, up.Weight), rows, gate.Weight.InputSize, size % RowGroup.BlockColumns != 0);
        foreach (var (source, selection)
            in new[] { (gate, RowSelection.Gate(size, fused: false)), (up, RowSelection.Up(size, fused: false)) })
        {
            AddWhole(apart, source.Weight, selection);
            BiasReader.Read(source, apart, selection);
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
