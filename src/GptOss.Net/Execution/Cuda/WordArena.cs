using GptOss.Net.Execution.Cuda.Kernels;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Where the words of a step of one or two sequences lie, the same on both cards: an array for each layer and kind.</summary>
/// <remarks>
/// One array for each layer, so that nothing is overwritten while somebody may still read it: when a card writes a word of the next
/// step, it has had words from which it follows that the other card is done with this one.
/// </remarks>
internal sealed class WordArena(CudaShape shape, int layers)
{
    private const int WordBytes = 8;
    private const int B = LayeredKernels.MaxSequences;
    private const int Alignment = 128; // What a warp asks for at once, and a block tells, lies in as few lines as it can.

    private readonly int _hidden = Aligned(B * shape.Hidden * WordBytes);
    private readonly int _attended = Aligned(B * shape.AttendedWidth / 2 * WordBytes);
    private readonly int _inner = Aligned(B * shape.TopK * shape.Intermediate / 2 * WordBytes);
    private readonly int _x = Aligned(B * shape.Hidden / 2 * WordBytes);
    private readonly int _routing = Aligned(LayeredKernels.RoutingBytes(shape) / sizeof(int) * WordBytes);

    /// <summary>Gets the bytes of all of them.</summary>
    public long Bytes => ((long)layers * LayerBytes) + _hidden;

    private int LayerBytes => (2 * _hidden) + _attended + _inner + _x + _routing;

    /// <summary>What comes into a layer, float <c>[B, hidden]</c>; counted on, what comes out of the last.</summary>
    public nint Hidden(int layer) => (nint)layer * LayerBytes;

    /// <summary>Behind attention, float <c>[B, hidden]</c>.</summary>
    public nint Mid(int layer) => Hidden(layer) + _hidden;

    /// <summary>Attention's result, pairs <c>[B, attended / 2]</c>.</summary>
    public nint Attended(int layer) => Mid(layer) + _hidden;

    /// <summary>The experts' inner values, pairs <c>[B · top-k, intermediate / 2]</c>.</summary>
    public nint Inner(int layer) => Attended(layer) + _attended;

    /// <summary>What the experts read, pairs <c>[B, hidden / 2]</c>; the card's own.</summary>
    public nint X(int layer) => Inner(layer) + _inner;

    /// <summary>Which experts; the card's own.</summary>
    public nint Routing(int layer) => X(layer) + _x;

    private static int Aligned(int bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
