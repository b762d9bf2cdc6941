using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>
/// Dense matrices times the tokens of a step (<c>dense.cu</c>, <c>dense_sm90.cu</c>): the same bits for any number of tokens.
/// </summary>
internal sealed class DenseKernels
{
    // Measured on an H100: which tile for how many tokens. One tile should cover the batch, since a second one reads the weights again; but
    // two that keep all multiprocessors busy are faster than one that leaves most of them without work.
    private static readonly GemmTile[] QkvTiles =
    [
        new("t8", 8, 1, 1, 2, 1, 4, 4, 2),
        new("t16", 16, 1, 2, 2, 1, 4, 4, 2),
        new("t32v", 64, 1, 4, 1, 1, 1, 8, 3, Wgmma: true, Parts: 2),
        new("t64v", 128, 1, 8, 1, 1, 1, 6, 2, Wgmma: true),
        new("t32", 32, 1, 4, 4, 1, 1, 10, 1),
        new("t64", 64, 2, 4, 2, 2, 1, 10, 1),
        new("wideX", 256, 1, 16, 2, 1, 1, 3, 2, Wgmma: true),
        new("wide2x1", GemmTile.Any, 1, 16, 2, 1, 1, 3, 2, Wgmma: true, Cost: 1.23),
        new("wide3x1", GemmTile.Any, 1, 16, 3, 1, 1, 4, 1, Wgmma: true, Cost: 1.36),
        new("wide5x1", GemmTile.Any, 1, 16, 5, 1, 1, 3, 1, Wgmma: true, Cost: 1.30),
        new("wide2x2", GemmTile.Any, 1, 32, 2, 1, 1, 4, 1, Wgmma: true, Cost: 1.17),
        new("wide3x2", GemmTile.Any, 1, 32, 3, 1, 1, 3, 1, Wgmma: true, Cost: 1.14),
        new("wide", GemmTile.Any, 4, 8, 2, 2, 1, 3, 2),
    ];

    private static readonly GemmTile[] OutputTiles =
    [
        new("f8", 8, 1, 1, 2, 1, 4, 4, 2),
        new("f16", 16, 1, 1, 1, 2, 4, 4, 3),
        new("f32", 32, 1, 2, 2, 2, 4, 3, 2),
        new("f32v", 64, 1, 4, 1, 1, 1, 12, 1, Wgmma: true),
        new("f64", 64, 1, 4, 2, 2, 1, 12, 1),
        new("fwideX", 256, 1, 16, 2, 1, 1, 3, 2, Wgmma: true),
        new("fwide2x1", GemmTile.Any, 1, 16, 2, 1, 1, 3, 2, Wgmma: true, Cost: 1.23),
        new("fwide3x1", GemmTile.Any, 1, 16, 3, 1, 1, 4, 1, Wgmma: true, Cost: 1.36),
        new("fwide2x2", GemmTile.Any, 1, 32, 2, 1, 1, 4, 1, Wgmma: true, Cost: 1.17),
        new("fwide", GemmTile.Any, 4, 8, 2, 2, 1, 3, 2),
    ];

    private static readonly GemmTile[] HeadTiles =
    [
        new("h8", 8, 1, 1, 8, 1, 1, 5, 2),
        new("h16", 16, 1, 2, 8, 1, 1, 5, 2),
        new("h32", 32, 1, 4, 8, 1, 1, 4, 2),
        new("h64w", 64, 1, 8, 2, 1, 1, 5, 2, Wgmma: true),
        new("h64", 64, 2, 4, 4, 2, 1, 4, 2),
        new("hwideX", 128, 1, 16, 2, 1, 1, 3, 2, Wgmma: true),
        new("hwideW", GemmTile.Any, 1, 32, 2, 1, 1, 4, 1, Wgmma: true),
        new("hwide", GemmTile.Any, 4, 8, 2, 2, 1, 3, 2),
    ];

    private readonly KernelLibrary _kernels;
    private readonly CudaProperties _device;
    private readonly Dictionary<(DenseJob Job, DenseFormat Format), IReadOnlyList<GemmTile>> _tiles = [];

    /// <param name="kernels">The kernels.</param>
    /// <param name="device">The device.</param>
    /// <param name="parts">How many cards share the rows.</param>
    public DenseKernels(KernelLibrary kernels, CudaProperties device, int parts = 1)
    {
        (_kernels, _device) = (kernels, device);
        foreach (var job in Enum.GetValues<DenseJob>())
        {
            foreach (var format in Enum.GetValues<DenseFormat>())
            {
                _tiles.Add((job, format), Tiles(job, device, format, parts));
            }
        }
    }

    /// <summary>The units for matrices of these formats.</summary>
    /// <param name="shape">The model's widths.</param>
    /// <param name="device">Which variants it can run.</param>
    /// <param name="attention">The projections around attention.</param>
    /// <param name="head">The output projection.</param>
    public static IEnumerable<KernelSource> Sources(CudaShape shape, CudaProperties device, DenseFormat attention, DenseFormat head) =>
    [
        .. Sources(shape, device, DenseJob.Qkv, attention),
        .. Sources(shape, device, DenseJob.Output, attention),
        .. Sources(shape, device, DenseJob.Head, head),
    ];

    /// <summary>Multiplies; <paramref name="output"/>: bfloat16 for <see cref="DenseJob.Qkv"/>, else float <c>[tokens, rows]</c>.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="job">Which of the model's matrices.</param>
    /// <param name="weights">The matrix.</param>
    /// <param name="output">Where the result goes.</param>
    /// <param name="x">bfloat16 <c>[tokens, k]</c>.</param>
    /// <param name="tokens">How many.</param>
    /// <param name="stride">Values between the results of two tokens; 0: the matrix's rows.</param>
    public void Multiply(
        KernelStream stream, DenseJob job, in DenseWeights weights, nint output, nint x, int tokens, int stride = 0)
    {
        var tile = GemmTile.For(_tiles[(job, weights.Format)], tokens, weights.Rows, _device.Multiprocessors);
        Multiply(stream, job, tile, weights, output, x, tokens, stride);
    }

    /// <summary>The same with one of the <see cref="Tiles"/>.</summary>
    internal void Multiply(
        KernelStream stream, DenseJob job, GemmTile tile, in DenseWeights weights, nint output, nint x, int tokens, int stride = 0)
    {
        var rowBytes = RowBytes(weights.Format);
        stream.Launch(
            _kernels.Find(KernelName(job, weights.Format, tile)),
            ((tokens + tile.Tokens - 1) / tile.Tokens, (weights.Rows + tile.Rows - 1) / tile.Rows, 1),
            tile.Threads,
            tile.SharedBytes(rowBytes, extra: 0),
            new Parameters(
                output, weights.Strips, weights.Scales, weights.Bias, x, tokens, weights.Rows, weights.K,
                stride == 0 ? weights.Rows : stride));
    }

    /// <summary>The tiles that serve a job on a device, ascending by tokens.</summary>
    internal static IReadOnlyList<GemmTile> Tiles(DenseJob job, CudaProperties device, DenseFormat format, int parts = 1)
    {
        var table = job switch
        {
            DenseJob.Qkv => QkvTiles,
            DenseJob.Output => OutputTiles,
            DenseJob.Head => HeadTiles,
            _ => throw new ArgumentOutOfRangeException(nameof(job), job, null),
        };

        // wgmma reads weights where bf16 strips lie in shared memory; other formats are decoded into registers, by mma.sync's kernels.
        var served = table.Where(tile => (!tile.Wgmma || format == DenseFormat.Bf16) && tile.Serves(parts));
        return GemmTile.Fit(served, device, RowBytes(format));
    }

    private static IEnumerable<KernelSource> Sources(CudaShape shape, CudaProperties device, DenseJob job, DenseFormat format)
    {
        var tiles = Tiles(job, device, format, shape.Parts);
        var unit = $"dense_{job}_{format}".ToLowerInvariant();
        yield return KernelSource.Of(
            unit, shape, ["common", "weights", "dense"], tiles.Where(tile => !tile.Wgmma).Select(tile => Instance(job, format, tile)));
        if (tiles.Any(tile => tile.Wgmma))
        {
            yield return KernelSource.Of(
                $"{unit}_sm90",
                shape,
                ["common", "weights", "wgmma", "dense", "dense_sm90"],
                tiles.Where(tile => tile.Wgmma).Select(tile => Instance(job, format, tile)));
        }
    }

    private static string Instance(DenseJob job, DenseFormat format, GemmTile t)
    {
        var (name, isFloat) = (KernelName(job, format, t), job == DenseJob.Qkv ? "false" : "true");
        return t.Wgmma
            ? $"DENSE_SM90({name}, {isFloat}, {t.Mt}, {t.Nt}, {t.Wr}, {t.Stages}, {t.Resident})"
            : $"DENSE({name}, {DenseWeights.StripName(format)}, {isFloat}, {t.Mt}, {t.Nt}, {t.Wr}, {t.Wt}, {t.Kc}, "
                + $"{t.Stages}, {t.Resident})";
    }

    private static string KernelName(DenseJob job, DenseFormat format, GemmTile tile) =>
        $"dense_{job}_{format}_{tile.Name}".ToLowerInvariant();

    private static int RowBytes(DenseFormat format) => DenseWeights.ChunkBytes(format) / 8;

    private readonly record struct Parameters(
        nint Out, nint Weights, nint Scales, nint Bias, nint X, int Tokens, int Rows, int K, int Stride);
}
