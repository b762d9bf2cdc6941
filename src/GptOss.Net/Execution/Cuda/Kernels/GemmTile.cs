using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>How a block of a matrix kernel is made: which part of the result it computes, with how many warps and stages.</summary>
/// <param name="Name">What tells it from the others of its table.</param>
/// <param name="MaxTokens">
/// For how many tokens (experts: an expert on average) it is the best of its table, in which it stands ascending.
/// </param>
/// <param name="Mt">16-row tiles of a warp; with wgmma 64-row tiles of a warpgroup.</param>
/// <param name="Nt">8-token tiles of a warp (wgmma: a warpgroup).</param>
/// <param name="Wr">Warps (wgmma: warpgroups) beside each other over rows.</param>
/// <param name="Wt">Warps beside each other over tokens.</param>
/// <param name="Kc">Chunks of 64 k of a stage.</param>
/// <param name="Stages">Stages in flight.</param>
/// <param name="Resident">Blocks on a multiprocessor.</param>
/// <param name="Wgmma">Needs Hopper.</param>
/// <param name="Parts">Only for matrices whose rows so many cards share; 0: for any.</param>
/// <param name="Cost">
/// Several tiles of a table that serve any number of tokens compete for a matrix by the time that it takes: this is the time of a value,
/// in any unit, on a multiprocessor that is full. 0: the tile is only for devices that have no other one for so many tokens.
/// </param>
internal sealed record GemmTile(
    string Name,
    int MaxTokens,
    int Mt,
    int Nt,
    int Wr,
    int Wt,
    int Kc,
    int Stages,
    int Resident,
    bool Wgmma = false,
    int Parts = 0,
    double Cost = 0)
{
    /// <summary>For any number of tokens.</summary>
    public const int Any = int.MaxValue;

    private const int SharedReservedPerBlock = 1024;

    public int Rows => Wr * Mt * (Wgmma ? 64 : 16);

    public int Tokens => Wt * Nt * 8;

    public int Threads => Wr * Wt * (Wgmma ? 128 : 32);

    // wgmma works on one stage while the next is decoded and a third one loaded.
    private int LeastStages => Wgmma ? 3 : 2;

    /// <summary>
    /// Adapts a table to a device and a format: only what the device can run and an earlier row does not make superfluous, with as
    /// many stages as its shared memory holds.
    /// </summary>
    /// <param name="table">Ascending; of two rows for as many tokens the better one comes first.</param>
    /// <param name="device">The device.</param>
    /// <param name="rowBytes">Bytes of 64 values of a row in the format.</param>
    public static IReadOnlyList<GemmTile> Fit(IEnumerable<GemmTile> table, CudaProperties device, int rowBytes)
    {
        var fitted = new List<GemmTile>();
        foreach (var tile in table.Where(tile => !tile.Wgmma || device.IsHopper).Select(tile => tile.Fit(device, rowBytes))
            .OfType<GemmTile>())
        {
            if (fitted.Count == 0 || tile.MaxTokens > fitted[^1].MaxTokens || tile.Cost > 0)
            {
                fitted.Add(tile);
            }
        }

        return fitted;
    }

    /// <summary>The first of a fitted table that is meant for so many tokens.</summary>
    public static GemmTile For(IReadOnlyList<GemmTile> table, int tokens) => table.First(tile => tokens <= tile.MaxTokens);

    /// <summary>The same; of those for any number of tokens the one that takes the least time for so many rows.</summary>
    public static GemmTile For(IReadOnlyList<GemmTile> table, int tokens, int rows, int multiprocessors)
    {
        var best = For(table, tokens);
        foreach (var tile in table)
        {
            if ((best.MaxTokens, tile.MaxTokens) == (Any, Any)
                && tile.Time(tokens, rows, multiprocessors) < best.Time(tokens, rows, multiprocessors))
            {
                best = tile;
            }
        }

        return best;
    }

    /// <summary>Whether it is for matrices whose rows so many cards share.</summary>
    public bool Serves(int parts) => Parts == 0 || Parts == parts;

    public int StageBytes(int rowBytes) => Kc * ((Rows * rowBytes) + (Tokens * 128));

    /// <summary>The shared memory of a block, its result's tile and <paramref name="extra"/> after the stages included.</summary>
    public int SharedBytes(int rowBytes, int extra) =>
        Math.Max((Stages * StageBytes(rowBytes)) + extra, Tokens * (Rows + 8) * sizeof(ushort));

    // All multiprocessors take their blocks at once, until none are left; a last one alone takes as long as a full load.
    private double Time(int tokens, int rows, int multiprocessors)
    {
        var blocks = (long)((tokens + Tokens - 1) / Tokens) * ((rows + Rows - 1) / Rows);
        var rounds = (blocks + (multiprocessors * Resident) - 1) / (multiprocessors * Resident);
        return rounds * Resident * (double)Rows * Tokens * Cost;
    }

    private GemmTile? Fit(CudaProperties device, int rowBytes)
    {
        // Formats with more bytes take fewer chunks a stage; then as many stages as fit.
        for (var chunks = Kc; chunks >= 1; chunks /= 2)
        {
            var tile = this with { Kc = chunks };
            var stages = Math.Min(Stages, (device.SharedBytesPerBlock - (4 * Tokens)) / tile.StageBytes(rowBytes));
            if (stages >= LeastStages && (stages >= Math.Min(Stages, 3) || chunks == 1))
            {
                var shared = (tile with { Stages = stages }).SharedBytes(rowBytes, 4 * Tokens);
                var resident = device.SharedBytesPerMultiprocessor / (shared + SharedReservedPerBlock);
                return tile with { Stages = stages, Resident = Math.Clamp(resident, 1, Resident) };
            }
        }

        return null;
    }
}
