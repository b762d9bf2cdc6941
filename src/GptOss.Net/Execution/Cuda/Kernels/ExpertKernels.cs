using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>Routing and experts for the tokens of a step (<c>route.cu</c>, <c>experts.cu</c>, <c>experts_sm90.cu</c>).</summary>
internal sealed class ExpertKernels
{
    // Measured on an H100: which tile for how many pairs an expert has on average. Both matrices share the sorted tiles, so a row of
    // one table has as many tokens as that of the other.
    private static readonly GemmTile[] UpTiles =
    [
        new("up8", 4, 1, 1, 4, 1, 4, 4, 4),
        new("up16", 12, 1, 2, 8, 1, 2, 4, 3),
        new("up64z", 80, 2, 8, 1, 1, 1, 4, 3, Wgmma: true),
        new("up128x", GemmTile.Any, 1, 16, 2, 1, 1, 4, 2, Wgmma: true),
        new("up64", GemmTile.Any, 2, 8, 4, 1, 1, 4, 3),
    ];

    private static readonly GemmTile[] DownTiles =
    [
        new("down8", 4, 1, 1, 4, 1, 4, 4, 4),
        new("down16", 12, 1, 2, 4, 1, 4, 3, 4),
        new("down64z", 80, 2, 8, 1, 1, 1, 4, 3, Wgmma: true),
        new("down128x", GemmTile.Any, 1, 16, 2, 1, 1, 4, 2, Wgmma: true),
        new("down64", GemmTile.Any, 2, 8, 4, 1, 1, 4, 3),
    ];

    private readonly KernelLibrary _kernels;
    private readonly CudaShape _shape;
    private readonly Dictionary<(bool Up, ExpertFormat Format), IReadOnlyList<GemmTile>> _tiles = [];
    private readonly nint _route;
    private readonly nint _sort;

    public ExpertKernels(KernelLibrary kernels, CudaShape shape, CudaProperties device)
    {
        (_kernels, _shape) = (kernels, shape);
        foreach (var format in Enum.GetValues<ExpertFormat>())
        {
            _tiles.Add((true, format), Tiles(true, device, format));
            _tiles.Add((false, format), Tiles(false, device, format));
        }

        (_route, _sort) = (kernels.Find("route"), kernels.Find("sort_pairs"));
    }

    public static IEnumerable<KernelSource> Sources(CudaShape shape, CudaProperties device, ExpertFormat format)
    {
        yield return KernelSource.Of("route", shape, ["common", "weights", "route"]);
        foreach (var up in (bool[])[true, false])
        {
            var tiles = Tiles(up, device, format);
            var unit = $"experts_{(up ? "up" : "down")}";
            yield return KernelSource.Of(
                unit, shape, ["common", "weights", "experts"], tiles.Where(tile => !tile.Wgmma).Select(tile => Instance(up, format, tile)));
            if (tiles.Any(tile => tile.Wgmma))
            {
                yield return KernelSource.Of(
                    $"{unit}_sm90",
                    shape,
                    ["common", "weights", "wgmma", "experts", "experts_sm90"],
                    tiles.Where(tile => tile.Wgmma).Select(tile => Instance(up, format, tile)));
            }
        }
    }

    /// <summary>How many tiles of pairs there can be: the entries of <see cref="Buffers.Tiles"/>.</summary>
    public int MaxTiles(ExpertFormat format, int tokens) => TileCount(TileFor(true, format, tokens), tokens);

    /// <summary>Chooses the experts of each token and sorts the pairs.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="format">The experts'.</param>
    /// <param name="router">Packed, with its bias (−∞ for rows that are no expert).</param>
    /// <param name="b">Where the results go.</param>
    /// <param name="tokens">How many.</param>
    /// <param name="live">An int: how many of the tokens count; 0: all. The others get no experts.</param>
    public void Route(KernelStream stream, ExpertFormat format, in RouterWeights router, in Buffers b, int tokens, nint live)
    {
        stream.Launch(
            _route,
            ((tokens + 7) / 8, 1, 1),
            320,
            0,
            new RouteParameters(b.ExpertOfPair, b.WeightOfPair, b.X, router.Rows, router.Bias, live, tokens));
        Sort(stream, format, b, tokens);
    }

    /// <summary>Sorts the pairs by <see cref="Buffers.ExpertOfPair"/>, for the tiles that so many tokens take.</summary>
    public void Sort(KernelStream stream, ExpertFormat format, in Buffers b, int tokens) => stream.Launch(
        _sort,
        (1, 1, 1),
        1024,
        0,
        new SortParameters(b.PairAt, b.Tiles, b.TileCount, b.ExpertOfPair, tokens * _shape.TopK, TileFor(true, format, tokens).Tokens));

    /// <summary>gate_up and SwiGLU, then down, times the routing weights: <see cref="Buffers.Y"/>.</summary>
    public void Run(KernelStream stream, in ExpertWeights up, in ExpertWeights down, in Buffers b, int tokens)
    {
        Up(stream, up, b, tokens, firstColumn: 0);
        Down(stream, down, b, tokens);
    }

    /// <summary>gate_up and SwiGLU: some columns of <see cref="Buffers.H"/>, half as many as the matrix has rows.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="up">The matrix.</param>
    /// <param name="b">Where everything is.</param>
    /// <param name="tokens">How many.</param>
    /// <param name="firstColumn">Of the result.</param>
    /// <param name="shift">Bytes from the result to where it goes as well, on another card; 0: nowhere.</param>
    public void Up(KernelStream stream, in ExpertWeights up, in Buffers b, int tokens, int firstColumn, nint shift = 0) =>
        Launch(stream, isUp: true, TileFor(true, up.Format, tokens), up, b, b.H + (firstColumn * sizeof(ushort)), b.X, tokens, shift);

    /// <summary>down, times the routing weights: <see cref="Buffers.Y"/>.</summary>
    public void Down(KernelStream stream, in ExpertWeights down, in Buffers b, int tokens) =>
        Launch(stream, isUp: false, TileFor(false, down.Format, tokens), down, b, b.Y, b.H, tokens);

    /// <summary>The tiles that serve a matrix on a device, ascending by pairs of an expert.</summary>
    internal static IReadOnlyList<GemmTile> Tiles(bool up, CudaProperties device, ExpertFormat format) =>
        GemmTile.Fit(up ? UpTiles : DownTiles, device, RowBytes(format));

    private void Launch(
        KernelStream stream,
        bool isUp,
        GemmTile tile,
        in ExpertWeights weights,
        in Buffers b,
        nint output,
        nint x,
        int tokens,
        nint shift = 0)
    {
        if (weights.Rows == 0)
        {
            return; // A card may have none of them.
        }

        stream.Launch(
            _kernels.Find(KernelName(weights.Format, tile)),
            (TileCount(tile, tokens), (weights.Rows + tile.Rows - 1) / tile.Rows, 1),
            tile.Threads,
            tile.SharedBytes(RowBytes(weights.Format), tile.Tokens * sizeof(int)),
            new ExpertParameters(
                output, weights.Tiles, weights.Bias, x, b.PairAt, b.Tiles, b.TileCount, b.WeightOfPair, shift, weights.Rows));
    }

    private GemmTile TileFor(bool up, ExpertFormat format, int tokens) => GemmTile.For(_tiles[(up, format)], PairsOfAnExpert(tokens));

    private int PairsOfAnExpert(int tokens) => tokens * _shape.TopK / _shape.Experts;

    private int TileCount(GemmTile tile, int tokens) =>
        (tokens * _shape.TopK / tile.Tokens) + Math.Min(_shape.Experts, tokens * _shape.TopK);

    private static string Instance(bool up, ExpertFormat format, GemmTile t)
    {
        var (name, type, isUp) = (KernelName(format, t), ExpertWeights.TileName(format), up ? "true" : "false");
        return t.Wgmma
            ? $"EXPERTS_SM90({name}, {type}, {isUp}, {t.Mt}, {t.Nt}, {t.Wr}, {t.Stages}, {t.Resident})"
            : $"EXPERTS({name}, {type}, {isUp}, {t.Mt}, {t.Nt}, {t.Wr}, {t.Wt}, {t.Kc}, {t.Stages}, {t.Resident})";
    }

    private static string KernelName(ExpertFormat format, GemmTile tile) => $"experts_{format}_{tile.Name}".ToLowerInvariant();

    private static int RowBytes(ExpertFormat format) => ExpertWeights.ChunkBytes(format) / 16;

    /// <param name="X">bfloat16 <c>[tokens, hidden]</c>, normalized, in the experts' order.</param>
    /// <param name="ExpertOfPair">int <c>[tokens · top-k]</c>.</param>
    /// <param name="WeightOfPair">float <c>[tokens · top-k]</c>.</param>
    /// <param name="PairAt">int <c>[tokens · top-k]</c>.</param>
    /// <param name="Tiles">int4 <c>[MaxTiles]</c>.</param>
    /// <param name="TileCount">int <c>[1]</c>.</param>
    /// <param name="H">bfloat16 <c>[tokens · top-k, intermediate]</c>.</param>
    /// <param name="Y">float <c>[tokens, top-k, rows of the matrix]</c>: what is to be added to the residual.</param>
    internal readonly record struct Buffers(
        nint X, nint ExpertOfPair, nint WeightOfPair, nint PairAt, nint Tiles, nint TileCount, nint H, nint Y);

    /// <param name="Rows">Packed by <see cref="PackKernels.Router"/>.</param>
    /// <param name="Bias">bfloat16 <c>[router rows]</c>.</param>
    internal readonly record struct RouterWeights(nint Rows, nint Bias);

    private readonly record struct RouteParameters(
        nint ExpertOfPair, nint WeightOfPair, nint X, nint Router, nint Bias, nint Live, int Tokens);

    private readonly record struct SortParameters(nint PairAt, nint Tiles, nint TileCount, nint ExpertOfPair, int Pairs, int TileTokens);

    private readonly record struct ExpertParameters(
        nint Out,
        nint Weights,
        nint Bias,
        nint X,
        nint PairAt,
        nint Tiles,
        nint TileCount,
        nint WeightOfPair,
        nint Shift,
        int Rows);
}
