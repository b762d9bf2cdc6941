using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Interop.Cuda;
using static GptOss.Net.Execution.Cuda.Kernels.LayeredSharedMemory;

namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>
/// A decode step of one or two sequences: six kernels a layer and one for the logits, bound by the weights' bytes, with the bits of the
/// kernels for many sequences (<c>layered_dense.cu</c>, <c>layered_attention.cu</c>, <c>layered_experts.cu</c>).
/// </summary>
internal sealed class LayeredKernels
{
    /// <summary>The most sequences.</summary>
    public const int MaxSequences = 2;

    private const int AttentionSharedBytes = 64 * 1024;
    private const int RouteWarps = 20;
    private const int QkvWarps = 5;
    private const int OutputWarps = 2;
    private const int HeadWarps = 6;
    private const int HeadBlocksPerMultiprocessor = 2;

    private readonly KernelLibrary _kernels;
    private readonly CudaShape _shape;
    private readonly CudaProperties _device;
    private readonly nint _attention;

    public LayeredKernels(KernelLibrary kernels, CudaShape shape, CudaProperties device)
    {
        (_kernels, _shape, _device) = (kernels, shape, device);
        _attention = kernels.Find("layered_attention");
    }

    /// <summary>The units for matrices of these formats.</summary>
    public static IEnumerable<KernelSource> Sources(
        CudaShape shape, CudaProperties device, DenseFormat attention, DenseFormat head, ExpertFormat experts)
    {
        yield return AttentionSource(shape);
        for (var b = 1; b <= MaxSequences; b++)
        {
            var (strip, headStrip, tile) =
                (DenseWeights.StripName(attention), DenseWeights.StripName(head), ExpertWeights.TileName(experts));
            yield return KernelSource.Of(
                $"layered_dense_{b}",
                shape,
                ["common", "weights", "dense", "stream", "layered_dense"],
                $"LAYERED_QKV(layered_qkv_{b}, {strip}, {b}, {QkvWarps}, {QkvSlots(shape, device, b)})",
                $"LAYERED_OUTPUT(layered_output_{b}, {strip}, {b}, {OutputWarps}, {OutputSlots(shape, device, b)})",
                $"LAYERED_HEAD(layered_head_{b}, {headStrip}, {b}, {HeadWarps}, {HeadSlots(shape, device, b)})");
            yield return KernelSource.Of(
                $"layered_experts_{b}",
                shape,
                ["common", "weights", "route", "stream", "layered_experts"],
                $"LAYERED_ROUTE(layered_route_{b}, {b}, {RouteSlots(shape, device, b)})",
                $"LAYERED_UP(layered_up_{b}, {tile}, {b}, {UpWarps(b)}, {UpSlots(shape, device, b)}, 2)",
                $"LAYERED_DOWN(layered_down_{b}, {tile}, {b}, {DownSlots(shape, device, b)}, {(b == 1 ? 2 : 1)})");
        }
    }

    /// <summary>The unit of <see cref="Attention"/>, which serves cards that share the heads, too.</summary>
    public static KernelSource AttentionSource(CudaShape shape) =>
        KernelSource.Of("layered_attention", shape, ["common", "weights", "wire", "stream", "attention", "layered_attention"]);

    /// <summary>Bytes of <see cref="AttentionParameters.Partial"/>.</summary>
    public static long PartialBytes(CudaShape shape, int chunks) => AttentionKernels.PartialBytes(shape, MaxSequences, chunks);

    /// <summary>Bytes of <see cref="AttentionParameters.Counters"/>, which begin as zeros.</summary>
    public static int CounterBytes(CudaShape shape) => MaxSequences * shape.KVHeads * sizeof(uint);

    /// <summary>Bytes of a sequence's row of <see cref="AttentionParameters.Att"/>.</summary>
    public static int AttentionRowBytes(CudaShape shape) => shape.AttendedWidth * 4;

    /// <summary>Bytes of <see cref="RouteParameters.Routing"/>.</summary>
    public static int RoutingBytes(CudaShape shape) => sizeof(int) * (1 + (8 * shape.TopK));

    /// <summary>In the first layer embedding; RMSNorm; query, key and value, not rotated.</summary>
    public void Qkv(KernelStream stream, int sequences, in QkvParameters p) => stream.Launch(
        _kernels.Find($"layered_qkv_{sequences}"),
        (Blocks(_shape.QkvWidth / 8, QkvWarps), 1, 1),
        QkvWarps * 32,
        NormedBytes(_shape, sequences, QkvWarps, QkvSlots(_shape, _device, sequences)),
        p);

    /// <summary>Rotation, the cache, attention.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="p">What to read and write.</param>
    /// <param name="chunks">At least those of the longest sequence: <see cref="AttentionKernels.Chunks"/>.</param>
    public void Attention(KernelStream stream, in AttentionParameters p, int chunks) =>
        stream.Launch(_attention, (chunks * p.Sequences * _shape.KVHeads, 1, 1), 256, AttentionSharedBytes, p);

    /// <summary>Attention's output projection, added to the residual.</summary>
    public void Output(KernelStream stream, int sequences, in OutputParameters p) => stream.Launch(
        _kernels.Find($"layered_output_{sequences}"),
        (Blocks(_shape.Hidden / 8, OutputWarps), 1, 1),
        OutputWarps * 32,
        OutputBytes(_shape, sequences, OutputWarps, OutputSlots(_shape, _device, sequences)),
        p);

    /// <summary>RMSNorm and the choice of experts.</summary>
    public void Route(KernelStream stream, int sequences, in RouteParameters p) => stream.Launch(
        _kernels.Find($"layered_route_{sequences}"),
        (1, 1, 1),
        RouteWarps * 32,
        RouteBytes(_shape, sequences, RouteWarps, RouteSlots(_shape, _device, sequences)),
        p);

    /// <summary>gate_up and SwiGLU.</summary>
    public void Up(KernelStream stream, int sequences, in ExpertParameters p) => stream.Launch(
        _kernels.Find($"layered_up_{sequences}"),
        (Blocks(_shape.Intermediate / 8 * _shape.TopK * sequences, UpWarps(sequences)), 1, 1),
        UpWarps(sequences) * 32,
        UpBytes(_shape, sequences, UpWarps(sequences), UpSlots(_shape, _device, sequences)),
        p);

    /// <summary>down, added to the residual.</summary>
    public void Down(KernelStream stream, int sequences, in ExpertParameters p) => stream.Launch(
        _kernels.Find($"layered_down_{sequences}"),
        (_shape.Hidden / 16, 1, 1),
        sequences * _shape.TopK * 32,
        DownBytes(_shape, sequences, DownSlots(_shape, _device, sequences)),
        p);

    /// <summary>RMSNorm and the projection to logits.</summary>
    public void Head(KernelStream stream, int sequences, in HeadParameters p) => stream.Launch(
        _kernels.Find($"layered_head_{sequences}"),
        (HeadBlocks(_shape, _device, sequences), 1, 1),
        HeadWarps * 32,
        NormedBytes(_shape, sequences, HeadWarps, HeadSlots(_shape, _device, sequences)),
        p);

    // Measured on an H100: the slots of a warp's ring. Deeper ones take the room in which the next kernel begins. What a device's
    // shared memory cannot hold is cut.
    private static int QkvSlots(CudaShape shape, CudaProperties device, int b) =>
        Slots(8, QkvWarps, NormedBytes(shape, b, QkvWarps, 0), device);

    private static int OutputSlots(CudaShape shape, CudaProperties device, int b) =>
        Slots(10, OutputWarps, OutputBytes(shape, b, OutputWarps, 0), device);

    private static int RouteSlots(CudaShape shape, CudaProperties device, int b) =>
        Slots(3, RouteWarps, RouteBytes(shape, b, RouteWarps, 0), device);

    private static int UpWarps(int b) => b == 1 ? 6 : 4;

    private static int UpSlots(CudaShape shape, CudaProperties device, int b) =>
        Slots(b == 1 ? 3 : 4, UpWarps(b), UpBytes(shape, b, UpWarps(b), 0), device);

    private static int DownSlots(CudaShape shape, CudaProperties device, int b) =>
        Slots(b == 1 ? 5 : 3, b * shape.TopK, DownBytes(shape, b, 0), device);

    private static int HeadSlots(CudaShape shape, CudaProperties device, int b) =>
        Slots(6, HeadWarps, NormedBytes(shape, b, HeadWarps, 0), device);

    private static int HeadBlocks(CudaShape shape, CudaProperties device, int b)
    {
        var shared = NormedBytes(shape, b, HeadWarps, HeadSlots(shape, device, b));
        var fit = Math.Clamp(device.SharedBytesPerMultiprocessor / (shared + 1024), 1, HeadBlocksPerMultiprocessor);
        return Math.Min(device.Multiprocessors * fit, Blocks(shape.Vocabulary / 8, HeadWarps));
    }

    /// <param name="Qkv">bfloat16 <c>[B, query + 2 · key]</c>.</param>
    /// <param name="Residual">float <c>[B, hidden]</c>; written if there is an embedding.</param>
    /// <param name="Embedding">First layer: bfloat16 <c>[vocabulary, the model's hidden]</c>; else 0.</param>
    /// <param name="Tokens">int <c>[B]</c>; ~r: what row r of the step before chose.</param>
    /// <param name="Chosen">int <c>[rows]</c> of the step before.</param>
    /// <param name="Strips">The matrix.</param>
    /// <param name="Scales">int8: a float for each row.</param>
    /// <param name="Bias">bfloat16 for each row.</param>
    /// <param name="Gain">bfloat16 <c>[hidden]</c>.</param>
    /// <param name="Vocabulary">Rows of the embedding.</param>
    internal readonly record struct QkvParameters(
        nint Qkv, nint Residual, nint Embedding, nint Tokens, nint Chosen, nint Strips, nint Scales, nint Bias, nint Gain, int Vocabulary);

    /// <param name="Att"><see cref="AttentionRowBytes"/> a sequence, for <see cref="Output"/> alone.</param>
    /// <param name="Partial">float, <see cref="PartialBytes"/>.</param>
    /// <param name="Counters"><see cref="CounterBytes"/> zeros; left as zeros.</param>
    /// <param name="Qkv">bfloat16 <c>[B, query + 2 · key]</c>, not rotated.</param>
    /// <param name="Keys">bfloat16 <c>[block, KV heads, 16, 64]</c>.</param>
    /// <param name="Values">Likewise.</param>
    /// <param name="Starts">int <c>[B]</c>: the block of key k is <c>Blocks[Starts[sequence] + k / 16]</c>.</param>
    /// <param name="Blocks">int, flat.</param>
    /// <param name="Lengths">int <c>[B]</c>: keys, the new one included.</param>
    /// <param name="Rotation">float2 (cos, sin) <c>[position, 32]</c>.</param>
    /// <param name="Sinks">bfloat16 <c>[query heads]</c>.</param>
    /// <param name="PartialChunks">For how many chunks of a sequence there is room.</param>
    /// <param name="Window">How many keys count, or <see cref="AttentionKernels.NoWindow"/>.</param>
    /// <param name="Sequences">B.</param>
    /// <param name="Wire">
    /// The way to the other card, which has the other heads; then <paramref name="Att"/> are words, from the card's first head on.
    /// </param>
    internal readonly record struct AttentionParameters(
        nint Att,
        nint Partial,
        nint Counters,
        nint Qkv,
        nint Keys,
        nint Values,
        nint Starts,
        nint Blocks,
        nint Lengths,
        nint Rotation,
        nint Sinks,
        int PartialChunks,
        int Window,
        int Sequences,
        Wire Wire = default);

    /// <param name="Residual">float <c>[B, hidden]</c>.</param>
    /// <param name="Att">What <see cref="Attention"/> wrote.</param>
    /// <param name="Strips">The matrix.</param>
    /// <param name="Scales">int8: a float for each row.</param>
    /// <param name="Bias">bfloat16 for each row.</param>
    internal readonly record struct OutputParameters(nint Residual, nint Att, nint Strips, nint Scales, nint Bias);

    /// <param name="X">bfloat16 <c>[B, hidden]</c>, for <see cref="Up"/> alone.</param>
    /// <param name="Routing"><see cref="RoutingBytes"/>.</param>
    /// <param name="Residual">float <c>[B, hidden]</c>.</param>
    /// <param name="Gain">bfloat16 <c>[hidden]</c>.</param>
    /// <param name="Router">Packed by <see cref="PackKernels.Router"/>.</param>
    /// <param name="Bias">bfloat16 <c>[router rows]</c>.</param>
    internal readonly record struct RouteParameters(nint X, nint Routing, nint Residual, nint Gain, nint Router, nint Bias);

    /// <param name="H">bfloat16 <c>[B · top-k, intermediate]</c>, from <see cref="Up"/> to <see cref="Down"/>.</param>
    /// <param name="Residual">float <c>[B, hidden]</c>; <see cref="Down"/>.</param>
    /// <param name="X">What <see cref="Route"/> wrote; <see cref="Up"/>.</param>
    /// <param name="Routing">What <see cref="Route"/> wrote.</param>
    /// <param name="Tiles">The matrix of all experts.</param>
    /// <param name="Bias">bfloat16 <c>[experts, rows]</c>.</param>
    internal readonly record struct ExpertParameters(nint H, nint Residual, nint X, nint Routing, nint Tiles, nint Bias);

    /// <param name="Logits">float <c>[B, padded vocabulary]</c>.</param>
    /// <param name="Residual">float <c>[B, hidden]</c>.</param>
    /// <param name="Gain">bfloat16 <c>[hidden]</c>.</param>
    /// <param name="Strips">The matrix.</param>
    /// <param name="Scales">int8: a float for each row.</param>
    internal readonly record struct HeadParameters(nint Logits, nint Residual, nint Gain, nint Strips, nint Scales);
}
