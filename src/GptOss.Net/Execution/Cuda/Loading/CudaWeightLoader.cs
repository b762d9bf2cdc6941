using GptOss.Net.Checkpoint;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop.Cuda;
using GptOss.Net.Model;
using Parameters = GptOss.Net.Execution.Cuda.Kernels.PackKernels.Parameters;

namespace GptOss.Net.Execution.Cuda.Loading;

/// <summary>Allocates a device's weights, then brings the checkpoint's bytes there and lets the device pack them.</summary>
/// <param name="driver">The device.</param>
/// <param name="memory">Owns what is allocated.</param>
/// <param name="pack">The packing kernels.</param>
/// <param name="shape">The widths.</param>
/// <param name="share">What the device has of every matrix.</param>
/// <param name="formats">How weights are to lie.</param>
/// <param name="weights">Where they lie in the checkpoint.</param>
/// <param name="progress">Told what was read; cancels.</param>
internal sealed class CudaWeightLoader(
    ICudaDriver driver,
    CudaMemory memory,
    PackKernels pack,
    CudaShape shape,
    CudaShare share,
    CudaFormats formats,
    ModelWeights weights,
    WeightReadProgress progress)
{
    // Rows are read in pieces of about so many bytes: small enough to overlap, large enough to stream.
    private const int PieceBytes = 16 << 20;
    private const int LaneSlack = 64 << 10;

    // Packed rows are whole strips, and whole tiles.
    private const int RowUnit = 16;

    private readonly RowRange _hidden = share.Hidden(shape);
    private readonly RowRange _intermediate = share.Intermediate(shape);
    private readonly RowRange _vocabulary = share.Vocabulary(shape);
    private readonly List<Action<UploadLane>> _uploads = [];
    private long _largest = PieceBytes;
    private nint _refused;

    /// <summary>Loads some layers, and the ends of the model where they are wanted.</summary>
    /// <exception cref="OperationCanceledException">The progress was cancelled.</exception>
    /// <exception cref="CheckpointException">Weights that cannot be packed exactly.</exception>
    public CudaWeights Load(int firstLayer, int layerCount, bool embeds, bool unembeds, int positions)
    {
        _refused = memory.AllocateZeros(sizeof(uint), stream: 0);
        var loaded = new CudaWeights
        {
            Embedding = embeds ? Embedding() : 0,
            Layers = [.. weights.Layers.Skip(firstLayer).Take(layerCount).Select(Layer)],
            FinalNorm = unembeds ? Vector(weights.FinalNorm, shape.Hidden) : 0,
            Unembedding = unembeds ? Unembedding() : default,
            Rotation = RotationTable.Load(driver, memory, shape.Config, positions),
        };
        driver.SynchronizeStream(0);
        UploadPool.Run(driver, checked((int)_largest + LaneSlack), _uploads);
        CheckRefused();
        return loaded;
    }

    private CudaLayer Layer(LayerWeights layer)
    {
        var (experts, hidden) = (shape.Experts, shape.Hidden);
        var loaded = new CudaLayer
        {
            AttentionNorm = Vector(layer.AttentionNorm, hidden),
            Qkv = Dense(formats.Attention, shape.QkvWidth, hidden),
            Output = Dense(formats.Attention, _hidden.Count, shape.AttendedWidth),
            Sinks = Vector(layer.Sinks, shape.QueryHeads, share.Index * shape.QueryHeads),
            MlpNorm = Vector(layer.MlpNorm, hidden),
            Router = memory.Allocate(PackKernels.RouterBytes(shape.RouterRows, hidden)),
            RouterBias = memory.Allocate(shape.RouterRows * sizeof(ushort)),
            GateUp = Experts(2 * _intermediate.Count, hidden),
            Down = Experts(_hidden.Count, shape.Intermediate),
        };
        AddAttention(layer, loaded);
        AddRouter(layer.Router, loaded);
        for (var expert = 0; expert < experts; expert++)
        {
            AddExpert(layer.Experts[expert], loaded, expert);
        }

        return loaded;
    }

    private void AddAttention(LayerWeights layer, CudaLayer loaded)
    {
        var heads = shape.Config.HeadDim;
        var (query, key) = (shape.QueryWidth, shape.KVHeads * CudaShape.HeadDim);
        AddDense(layer.Query, loaded.Qkv, firstRow: 0, new(share.Index * query, query), heads, headK: 0);
        AddDense(layer.Key, loaded.Qkv, query, new(share.Index * key, key), heads, headK: 0);
        AddDense(layer.Value, loaded.Qkv, query + key, new(share.Index * key, key), heads, headK: 0);
        AddDense(layer.Output, loaded.Output, firstRow: 0, _hidden, headRows: 0, heads);
    }

    private void AddRouter(LinearSource router, CudaLayer loaded)
    {
        AddMatrix(router.Weight, (lane, source, p, _) => pack.Router(lane.Stream, source, p with
        {
            To = loaded.Router,
            PackedRows = shape.RouterRows,
            PackedK = shape.Hidden,
        }), new(0, shape.RouterRows), byRows: false);
        AddBias(router, loaded.RouterBias, p => p with { PackedRows = shape.RouterRows, Alternate = 1 });
    }

    private void AddExpert(ExpertSource expert, CudaLayer loaded, int index)
    {
        var gateUp = new RowRange(2 * _intermediate.First, 2 * _intermediate.Count);
        if (expert.GateUp is { } fused)
        {
            AddTiles(fused, loaded.GateUp, index, gateUp, shape.Hidden, alternate: true, firstRow: 0, rowStep: 1);
        }
        else
        {
            AddTiles(expert.Gate!, loaded.GateUp, index, gateUp, shape.Hidden, alternate: true, firstRow: 0, rowStep: 2);
            AddTiles(expert.Up!, loaded.GateUp, index, gateUp, shape.Hidden, alternate: true, firstRow: 1, rowStep: 2);
        }

        AddTiles(expert.Down, loaded.Down, index, _hidden, shape.Intermediate, alternate: false, firstRow: 0, rowStep: 1);
    }

    private DenseWeights Dense(DenseFormat format, int rows, int k, bool hasBias = true) => new(
        format,
        Allocate(DenseWeights.Bytes(format, rows, k)),
        format == DenseFormat.Int8 ? memory.Allocate(rows * sizeof(float)) : 0,
        hasBias ? memory.Allocate(rows * sizeof(ushort)) : 0,
        rows,
        k);

    private ExpertWeights Experts(int rows, int k) => new(
        formats.Experts,
        Allocate(shape.Experts * ExpertWeights.Bytes(formats.Experts, rows, k)),
        memory.Allocate(shape.Experts * rows * sizeof(ushort)),
        rows);

    /// <summary>Of a share, rows that are nothing but padding come with no upload.</summary>
    private nint Allocate(long bytes) => share.Count == 1 ? memory.Allocate(bytes) : memory.AllocateZeros(bytes, stream: 0);

    private nint Embedding()
    {
        var (source, hidden) = (weights.Embedding, shape.Config.HiddenSize);
        var table = memory.Allocate((long)source.OutputSize * hidden * sizeof(ushort));
        foreach (var (first, rows) in Pieces(source, new(0, source.OutputSize)))
        {
            _uploads.Add(lane =>
            {
                var from = SourceUpload.ReadBf16(lane, source, first, rows);
                lane.Send();
                driver.Copy(
                    table + (nint)((long)first * hidden * sizeof(ushort)), from, (long)rows * hidden * sizeof(ushort), lane.Stream.Handle);
                progress.Add(source.ByteLength / source.OutputSize * rows);
            });
        }

        return table;
    }

    private DenseWeights Unembedding()
    {
        var loaded = Dense(formats.Unembedding, _vocabulary.Count, shape.Hidden, hasBias: false);
        AddDense(new LinearSource(weights.Unembedding, Bias: null), loaded, firstRow: 0, _vocabulary, headRows: 0, headK: 0);
        return loaded;
    }

    /// <summary>Some rows of a matrix, as they are packed, become rows of another from <paramref name="firstRow"/> on.</summary>
    private void AddDense(LinearSource linear, DenseWeights to, int firstRow, RowRange rows, int headRows, int headK)
    {
        // Rows of heads that are widened lie elsewhere than their number says: such a matrix is small and packed as a whole.
        var byRows = headRows is 0 or CudaShape.HeadDim;
        AddMatrix(linear.Weight, (lane, source, p, piece) =>
        {
            var at = firstRow + piece.First;
            pack.Strips(lane.Stream, to.Format, source, p with
            {
                To = to.Strips + (nint)DenseWeights.Bytes(to.Format, at, to.K),
                ScalesTo = to.Scales == 0 ? 0 : to.Scales + (at * sizeof(float)),
                PackedRows = piece.Count,
                PackedK = to.K,
                FirstRow = -piece.Skipped,
                PadFrom = headRows == 0 ? p.Rows - piece.Skipped : piece.Count,
                HeadRows = headRows,
                HeadK = headK,
            });
        }, rows, byRows);
        if (to.Bias != 0)
        {
            AddBias(linear, to.Bias + (firstRow * sizeof(ushort)), p => p with
            {
                PackedRows = rows.Count,
                FirstRow = -rows.First,
                PadFrom = headRows == 0 ? p.Rows - rows.First : rows.Count,
                HeadRows = headRows,
            });
        }
    }

    private void AddTiles(
        LinearSource linear, ExpertWeights to, int expert, RowRange rows, int k, bool alternate, int firstRow, int rowStep)
    {
        if (rows.Count == 0)
        {
            return; // Fewer pieces than cards.
        }

        AddMatrix(linear.Weight, (lane, source, p, piece) =>
            pack.Tiles(lane.Stream, to.Format, source, p with
            {
                To = to.Tiles
                    + (nint)((expert * ExpertWeights.Bytes(to.Format, rows.Count, k)) + ExpertWeights.Bytes(to.Format, piece.First, k)),
                Refused = _refused,
                PackedRows = piece.Count,
                PackedK = k,
                FirstRow = firstRow - piece.Skipped,
                RowStep = rowStep,
                PadFrom = (p.Rows * rowStep) - piece.Skipped,
                Alternate = alternate ? 1 : 0,
            }), rows, byRows: rowStep == 1);
        AddBias(linear, to.Bias + (expert * rows.Count * sizeof(ushort)), p => p with
        {
            PackedRows = rows.Count,
            FirstRow = firstRow - rows.First,
            RowStep = rowStep,
            PadFrom = (p.Rows * rowStep) - rows.First,
        });
    }

    private nint Vector(CheckpointTensor values, int length, int first = 0)
    {
        var to = memory.Allocate(length * sizeof(ushort));
        _uploads.Add(lane =>
        {
            var (source, p) = SourceUpload.Read(lane, values);
            lane.Send();
            pack.Vector(lane.Stream, source, p with { To = to, PackedRows = length, FirstRow = -first, PadFrom = p.Rows - first });
            progress.Add(values.ByteLength);
        });
        return to;
    }

    private void AddBias(LinearSource linear, nint to, Func<Parameters, Parameters> place) => _uploads.Add(lane =>
    {
        var (source, p) = linear.Bias is { } bias ? SourceUpload.Read(lane, bias) : SourceUpload.Zeros(lane, linear.Weight.OutputSize);
        lane.Send();
        pack.Vector(lane.Stream, source, place(p with { To = to }));
        progress.Add(linear.Bias?.ByteLength ?? 0);
    });

    /// <summary>
    /// Reads some rows of a matrix, as they are packed: piece by piece, or from the whole of what cannot be read in pieces.
    /// </summary>
    private void AddMatrix(
        WeightSource source, Action<UploadLane, SourceFormat, Parameters, PackedPiece> packPiece, RowRange packed, bool byRows)
    {
        byRows = byRows && SourceUpload.IsByRows(source);
        if (!byRows)
        {
            _largest = Math.Max(_largest, SourceUpload.Bytes(source));
        }

        var end = Math.Min(source.OutputSize, packed.First + packed.Count);
        foreach (var (first, rows) in byRows ? Pieces(source, new(packed.First, end - packed.First)) : [(0, source.OutputSize)])
        {
            _uploads.Add(lane =>
            {
                var (format, p) = SourceUpload.Read(lane, source, first, rows);
                lane.Send();
                packPiece(lane, format, p, !byRows ? new(0, packed.Count, packed.First)
                    : new(first - packed.First, first + rows == end ? packed.First + packed.Count - first : rows, Skipped: 0));
                progress.Add(source.ByteLength / source.OutputSize * rows);
            });
        }
    }

    private static IEnumerable<(int First, int Rows)> Pieces(WeightSource source, RowRange range)
    {
        var rows = (int)Math.Max(RowUnit, PieceBytes / (source.ByteLength / source.OutputSize) / RowUnit * RowUnit);
        var end = range.First + range.Count;
        for (var first = range.First; first < end; first += rows)
        {
            yield return (first, Math.Min(rows, end - first));
        }
    }

    private unsafe void CheckRefused()
    {
        uint refused;
        driver.Copy((nint)(&refused), _refused, sizeof(uint), stream: 0);
        driver.SynchronizeStream(0);
        if (refused > 0)
        {
            throw new CheckpointException(
                $"has {refused:N0} MXFP4 scales above 2, which the CUDA kernels cannot multiply exactly; place the model on the CPU.",
                file: null,
                tensor: null);
        }
    }
}
