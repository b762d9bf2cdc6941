using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Interop.Cuda;
using static GptOss.Net.Execution.Cuda.Kernels.LayeredSharedMemory;

namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>
/// A decode step of one or two sequences on two cards: <see cref="LayeredKernels"/> for a card's rows, with the same bits; results go to
/// both cards as words (<c>pair_dense.cu</c>, <c>layered_attention.cu</c>, <c>pair_experts.cu</c>).
/// </summary>
internal sealed class PairKernels(KernelLibrary kernels, CudaShape shape, CudaProperties device)
{
    private const int RouteWarps = 20;
    private const int QkvWarps = 3;
    private const int QkvCrew = 12;
    private const int OutputWarps = 2;
    private const int HeadWarps = 6;
    private const int HeadBlocksPerMultiprocessor = 2;

    /// <summary>The units for matrices of these formats.</summary>
    public static IEnumerable<KernelSource> Sources(
        CudaShape shape, CudaProperties device, DenseFormat attention, DenseFormat head, ExpertFormat experts)
    {
        yield return LayeredKernels.AttentionSource(shape);
        for (var b = 1; b <= LayeredKernels.MaxSequences; b++)
        {
            var (strip, headStrip, tile) =
                (DenseWeights.StripName(attention), DenseWeights.StripName(head), ExpertWeights.TileName(experts));

            // Words as dependency gain 3 % for one sequence; for two, waiting for the kernel before is 1.5 % better, but 1 % worse for QKV.
            var flow = b == 1 ? "true" : "false";
            yield return KernelSource.Of(
                $"pair_dense_{b}",
                shape,
                ["common", "weights", "wire", "dense", "stream", "pair_dense"],
                $"PAIR_QKV(pair_qkv_{b}, {strip}, {b}, {QkvWarps}, {QkvSlots(shape, device, b)}, {QkvCrew}, true)",
                $"PAIR_OUTPUT(pair_output_{b}, {strip}, {b}, {OutputWarps}, {OutputSlots(shape, device, b)}, {OutputCrew(b)}, {flow})",
                $"PAIR_HEAD(pair_head_{b}, {headStrip}, {b}, {HeadWarps}, {HeadSlots(shape, device, b)}, {flow})");
            yield return KernelSource.Of(
                $"pair_experts_{b}",
                shape,
                ["common", "weights", "wire", "dense", "route", "stream", "layered_experts", "pair_dense", "pair_experts"],
                $"PAIR_ROUTE(pair_route_{b}, {b}, {RouteSlots(shape, device, b)}, {flow})",
                $"PAIR_UP(pair_up_{b}, {tile}, {b}, {UpWarps(b)}, {UpSlots(shape, device, b)}, {flow})",
                $"PAIR_DOWN(pair_down_{b}, {tile}, {b}, {DownSlots(shape, device, b)}, {DownCrew(shape, b)}, {flow})");
        }
    }

    /// <summary>In the first layer embedding; RMSNorm; query, key and value of this card's heads, not rotated.</summary>
    public void Qkv(KernelStream stream, int sequences, in QkvParameters p) => stream.Launch(
        kernels.Find($"pair_qkv_{sequences}"),
        (Blocks(shape.QkvWidth / 8, QkvWarps), 1, 1),
        QkvCrew * 32,
        NormedBytes(shape, sequences, QkvWarps, QkvSlots(shape, device, sequences)),
        p);

    /// <summary>Some rows of attention's output projection, added to the residual.</summary>
    public void Output(KernelStream stream, int sequences, in OutputParameters p) => stream.Launch(
        kernels.Find($"pair_output_{sequences}"),
        (Blocks(p.Rows / 8, OutputWarps), 1, 1),
        OutputCrew(sequences) * 32,
        OutputBytes(shape, sequences, OutputWarps, OutputSlots(shape, device, sequences)),
        p);

    /// <summary>RMSNorm and the choice of experts, on both cards alike.</summary>
    public void Route(KernelStream stream, int sequences, in RouteParameters p) => stream.Launch(
        kernels.Find($"pair_route_{sequences}"),
        (1, 1, 1),
        RouteWarps * 32,
        RouteBytes(shape, sequences, RouteWarps, RouteSlots(shape, device, sequences)),
        p);

    /// <summary>Some rows of gate_up, and SwiGLU.</summary>
    public void Up(KernelStream stream, int sequences, in ExpertParameters p)
    {
        if (p.Rows > 0)
        {
            stream.Launch(
                kernels.Find($"pair_up_{sequences}"),
                (Blocks(p.Rows / 16 * shape.TopK * sequences, UpWarps(sequences)), 1, 1),
                UpWarps(sequences) * 32,
                UpBytes(shape, sequences, UpWarps(sequences), UpSlots(shape, device, sequences)),
                p);
        }
    }

    /// <summary>Some rows of down, added to the residual.</summary>
    public void Down(KernelStream stream, int sequences, in ExpertParameters p) => stream.Launch(
        kernels.Find($"pair_down_{sequences}"),
        (p.Rows / 16, 1, 1),
        DownCrew(shape, sequences) * 32,
        DownBytes(shape, sequences, DownSlots(shape, device, sequences)),
        p);

    /// <summary>RMSNorm and some of the logits.</summary>
    public void Head(KernelStream stream, int sequences, in HeadParameters p)
    {
        var shared = NormedBytes(shape, sequences, HeadWarps, HeadSlots(shape, device, sequences));
        var fit = Math.Clamp(device.SharedBytesPerMultiprocessor / (shared + 1024), 1, HeadBlocksPerMultiprocessor);
        var blocks = Math.Min(device.Multiprocessors * fit, Blocks(p.Rows / 8, HeadWarps));
        stream.Launch(kernels.Find($"pair_head_{sequences}"), (blocks, 1, 1), HeadWarps * 32, shared, p);
    }

    // Measured on two H100: streams, the slots of their rings, and crews. What a device's shared memory cannot hold is cut.
    private static int QkvSlots(CudaShape shape, CudaProperties device, int b) =>
        Slots(8, QkvWarps, NormedBytes(shape, b, QkvWarps, 0), device);

    private static int OutputSlots(CudaShape shape, CudaProperties device, int b) =>
        Slots(b == 1 ? 6 : 8, OutputWarps, OutputBytes(shape, b, OutputWarps, 0), device);

    private static int OutputCrew(int b) => b == 1 ? 8 : 16;

    private static int RouteSlots(CudaShape shape, CudaProperties device, int b) =>
        Slots(3, RouteWarps, RouteBytes(shape, b, RouteWarps, 0), device);

    private static int UpWarps(int b) => b == 1 ? 3 : 6;

    private static int UpSlots(CudaShape shape, CudaProperties device, int b) =>
        Slots(2, UpWarps(b), UpBytes(shape, b, UpWarps(b), 0), device);

    private static int DownCrew(CudaShape shape, int b) => Math.Max(b == 1 ? 20 : 16, b * shape.TopK);

    private static int DownSlots(CudaShape shape, CudaProperties device, int b) =>
        Slots(b == 1 ? 4 : 2, b * shape.TopK, DownBytes(shape, b, 0), device);

    private static int HeadSlots(CudaShape shape, CudaProperties device, int b) =>
        Slots(6, HeadWarps, NormedBytes(shape, b, HeadWarps, 0), device);

    /// <param name="Qkv">bfloat16 <c>[B, query + 2 · key]</c>.</param>
    /// <param name="Hidden">Words of float <c>[B, hidden]</c>; written for this card if there is an embedding.</param>
    /// <param name="Embedding">First layer: bfloat16 <c>[vocabulary, the model's hidden]</c>; else 0.</param>
    /// <param name="Tokens">int <c>[B]</c>; ~r: what row r of the step before chose.</param>
    /// <param name="Chosen">int <c>[rows]</c> of the step before.</param>
    /// <param name="Strips">The matrix.</param>
    /// <param name="Scales">int8: a float for each row.</param>
    /// <param name="Bias">bfloat16 for each row.</param>
    /// <param name="Gain">bfloat16 <c>[hidden]</c>.</param>
    /// <param name="Wire">The way to the other card.</param>
    /// <param name="Vocabulary">Rows of the embedding.</param>
    internal readonly record struct QkvParameters(
        nint Qkv, nint Hidden, nint Embedding, nint Tokens, nint Chosen, nint Strips, nint Scales, nint Bias, nint Gain, Wire Wire,
        int Vocabulary);

    /// <param name="Mid">Words of float <c>[B, hidden]</c>, from the card's first row on.</param>
    /// <param name="Before">The same of <see cref="QkvParameters.Hidden"/>.</param>
    /// <param name="Att">Words of <c>[B, attended / 2]</c>.</param>
    /// <param name="Strips">The card's rows of the matrix.</param>
    /// <param name="Scales">int8: a float for each row.</param>
    /// <param name="Bias">bfloat16 for each row.</param>
    /// <param name="Wire">The way to the other card.</param>
    /// <param name="Rows">How many.</param>
    internal readonly record struct OutputParameters(
        nint Mid, nint Before, nint Att, nint Strips, nint Scales, nint Bias, Wire Wire, int Rows);

    /// <param name="X">Words of <c>[B, hidden / 2]</c>, for <see cref="Up"/> of this card.</param>
    /// <param name="Routing">As many words as <see cref="LayeredKernels.RoutingBytes"/> has ints, likewise.</param>
    /// <param name="Mid">Words of float <c>[B, hidden]</c>.</param>
    /// <param name="Gain">bfloat16 <c>[hidden]</c>.</param>
    /// <param name="Router">Packed by <see cref="PackKernels.Router"/>.</param>
    /// <param name="Bias">bfloat16 <c>[router rows]</c>.</param>
    /// <param name="Wire">The way to the other card.</param>
    internal readonly record struct RouteParameters(nint X, nint Routing, nint Mid, nint Gain, nint Router, nint Bias, Wire Wire);

    /// <param name="H">Words of <c>[B · top-k, intermediate / 2]</c>; <see cref="Up"/>: from the card's first column on.</param>
    /// <param name="Out"><see cref="Down"/>: words of float <c>[B, hidden]</c>, from the card's first row on.</param>
    /// <param name="Mid"><see cref="Down"/>: likewise.</param>
    /// <param name="X">What <see cref="Route"/> wrote; <see cref="Up"/>.</param>
    /// <param name="Routing">What <see cref="Route"/> wrote.</param>
    /// <param name="Tiles">The card's rows of the matrix of all experts.</param>
    /// <param name="Bias">bfloat16 <c>[experts, rows]</c>.</param>
    /// <param name="Wire">The way to the other card.</param>
    /// <param name="Rows">Of an expert.</param>
    internal readonly record struct ExpertParameters(
        nint H, nint Out, nint Mid, nint X, nint Routing, nint Tiles, nint Bias, Wire Wire, int Rows);

    /// <param name="Logits">float <c>[B, stride]</c>, from the card's first row on.</param>
    /// <param name="Hidden">Words of float <c>[B, hidden]</c>.</param>
    /// <param name="Gain">bfloat16 <c>[hidden]</c>.</param>
    /// <param name="Strips">The card's rows of the matrix.</param>
    /// <param name="Scales">int8: a float for each row.</param>
    /// <param name="Wire">The way to the other card.</param>
    /// <param name="Rows">How many.</param>
    /// <param name="Stride">Values between two sequences' logits.</param>
    internal readonly record struct HeadParameters(
        nint Logits, nint Hidden, nint Gain, nint Strips, nint Scales, Wire Wire, int Rows, int Stride);
}
