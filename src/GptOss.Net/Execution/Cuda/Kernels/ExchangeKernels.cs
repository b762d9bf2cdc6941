using GptOss.Net.Execution.Cuda.Compilation;

namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>
/// Gives the other card the columns that this one has computed, and takes its (<c>exchange.cu</c>); brings words (<c>relay.cu</c>).
/// </summary>
internal sealed class ExchangeKernels(KernelLibrary kernels, CudaShape shape)
{
    /// <summary>Gets the most blocks of a launch, each of which has a flag.</summary>
    public const int MaxBlocks = 128;

    private const int RelayThreads = 512;
    private const int ChosenThreads = 256;
    private const int PieceBytes = 16;
    private const int SegmentBytes = 4 * 32 * PieceBytes;
    private const int LeastWarps = 8;
    private const int MostWarps = 16;

    private readonly nint _exchange = kernels.Find("exchange");
    private readonly nint _relay = kernels.Find("relay");
    private readonly nint _norm = kernels.Find("exchange_norm");
    private readonly nint _merge = kernels.Find("exchange_merge");
    private readonly nint _chosen = kernels.Find("exchange_chosen");

    public static IEnumerable<KernelSource> Sources(CudaShape shape) =>
    [
        KernelSource.Of("exchange", shape, ["common", "weights", "wire", "norm", "exchange"]),
        KernelSource.Of(
            "exchange_decode", shape, ["common", "weights", "wire", "norm", "attention", "attention_decode", "exchange_decode"]),
        KernelSource.Of("relay", shape, ["common", "wire", "relay"]),
    ];

    /// <summary>Both cards launch it with the same numbers of rows and columns; it ends when the other card's columns are here.</summary>
    public void Exchange(KernelStream stream, in Parameters p)
    {
        // A warp has a segment: of few rows no more than it asks for at once, of many a whole one.
        var columns = Math.Max(p.Own, p.Other);
        var segments =
            Math.Clamp(MaxBlocks * LeastWarps / Math.Max(p.Count, 1), 1, Math.Max(1, (columns + SegmentBytes - 1) / SegmentBytes));
        var bytes = ((columns / PieceBytes) + segments - 1) / segments * PieceBytes;
        var units = p.Count * segments;
        var warps = units > MaxBlocks * LeastWarps ? MostWarps : LeastWarps;
        stream.Launch(
            _exchange,
            (Math.Clamp((units + warps - 1) / warps, 1, MaxBlocks), 1, 1),
            warps * 32,
            0,
            p with { Segments = segments, SegmentBytes = bytes });
    }

    /// <summary><see cref="ActivationKernels.CombineNorm"/> on two cards, of every token.</summary>
    public void Norm(KernelStream stream, in NormParameters p, int tokens) => stream.Launch(_norm, (tokens, 1, 1), 768, 0, p);

    /// <summary>The merge of <see cref="AttentionKernels.Decode"/> on two cards.</summary>
    public void Merge(KernelStream stream, in MergeParameters p, int sequences) =>
        stream.Launch(_merge, AttentionKernels.MergeGrid(shape, sequences), AttentionKernels.MergeThreads, 0, p);

    /// <summary>The tokens that the first card has sampled go to the second.</summary>
    public void SendChosen(KernelStream stream, in ChosenParameters p) => stream.Launch(_chosen, (1, 1, 1), ChosenThreads, 0, p);

    /// <param name="Chosen">int <c>[rows]</c>: read on the first card, written on the second.</param>
    /// <param name="Words">Of <c>[rows]</c>, where they come to the second card.</param>
    /// <param name="Wire">How to wait.</param>
    /// <param name="Report">In main memory: receives the wire's error.</param>
    /// <param name="Rows">How many.</param>
    /// <param name="Sends">1: this is the first card.</param>
    /// <param name="Number">Counts the exchanges of a step.</param>
    internal readonly record struct ChosenParameters(nint Chosen, nint Words, Wire Wire, nint Report, int Rows, int Sends, int Number);

    /// <param name="Residual">float <c>[tokens, hidden]</c>.</param>
    /// <param name="Normed">bfloat16 <c>[tokens, hidden]</c>.</param>
    /// <param name="Add">float <c>[tokens, parts, own columns]</c>.</param>
    /// <param name="Gain">bfloat16 <c>[hidden]</c>.</param>
    /// <param name="Words">Of <c>[tokens, hidden]</c>.</param>
    /// <param name="Wire">The way to the other card.</param>
    /// <param name="Parts">How many rows are added for each token.</param>
    /// <param name="ForExperts">1: in the order that router and experts read.</param>
    /// <param name="First">The card's first column.</param>
    /// <param name="Own">How many it has.</param>
    /// <param name="Number">Counts the exchanges of a step.</param>
    internal readonly record struct NormParameters(
        nint Residual, nint Normed, nint Add, nint Gain, nint Words, Wire Wire, int Parts, int ForExperts, int First, int Own, int Number);

    /// <param name="Decode">The output from the card's first head on.</param>
    /// <param name="Words">Of <c>[tokens, attended / 2]</c>, likewise.</param>
    /// <param name="Wire">The way to the other card.</param>
    /// <param name="ToOther">Heads from the card's first to the other card's.</param>
    /// <param name="Number">Counts the exchanges of a step.</param>
    internal readonly record struct MergeParameters(
        AttentionKernels.DecodeParameters Decode, nint Words, Wire Wire, int ToOther, int Number);

    /// <summary>Beside a step's kernels: brings the other card's words of the step from an inbox to the arena.</summary>
    public void Relay(KernelStream stream, in RelayParameters p) => stream.Launch(_relay, (1, 1, 1), RelayThreads, 0, p);

    /// <param name="Arena">This card's.</param>
    /// <param name="Inbox">The same layout in main memory.</param>
    /// <param name="Jobs"><see cref="RelayJob"/> <c>[count]</c>, in the order in which a step tells them.</param>
    /// <param name="Wire">How to wait.</param>
    /// <param name="Count">How many.</param>
    internal readonly record struct RelayParameters(nint Arena, nint Inbox, nint Jobs, Wire Wire, int Count);

    /// <summary>Words that come together; in units of two, 16 bytes.</summary>
    /// <param name="First">Where they begin.</param>
    /// <param name="Pairs">How many of a row.</param>
    /// <param name="Rows">How many rows.</param>
    /// <param name="Stride">From row to row.</param>
    internal readonly record struct RelayJob(int First, int Pairs, int Rows, int Stride);

    /// <param name="Rows"><c>[count, stride]</c> bytes.</param>
    /// <param name="There">
    /// The same on the other card; or the inbox into which this card sends; 0: the own columns are there already.
    /// </param>
    /// <param name="Inbox">Where the other card's columns come if it cannot store them in <paramref name="Rows"/>; else 0.</param>
    /// <param name="Add">float <c>[count, parts, own columns]</c>: added to the own columns first; 0: nothing.</param>
    /// <param name="FlagsThere">uint <see cref="MaxBlocks"/>, raised by this card.</param>
    /// <param name="FlagsHere">Raised by the other one.</param>
    /// <param name="Wire">How to wait.</param>
    /// <param name="Count">Rows.</param>
    /// <param name="Stride">Bytes of a row; these are multiples of 16.</param>
    /// <param name="First">Where the own columns begin.</param>
    /// <param name="Own">Their bytes.</param>
    /// <param name="OtherFirst">Where the other card's begin.</param>
    /// <param name="Other">Their bytes.</param>
    /// <param name="Parts">How many rows are added to each.</param>
    /// <param name="Number">Counts the exchanges of a step.</param>
    /// <param name="Segments">Into how many pieces a row is cut; the launch says it.</param>
    /// <param name="SegmentBytes">Of a piece; the launch says it.</param>
    internal readonly record struct Parameters(
        nint Rows,
        nint There,
        nint Inbox,
        nint Add,
        nint FlagsThere,
        nint FlagsHere,
        Wire Wire,
        int Count,
        int Stride,
        int First,
        int Own,
        int OtherFirst,
        int Other,
        int Parts,
        int Number,
        int Segments = 0,
        int SegmentBytes = 0);
}
