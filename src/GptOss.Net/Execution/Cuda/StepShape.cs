using GptOss.Net.Execution.Cuda.Kernels;

namespace GptOss.Net.Execution.Cuda;

/// <summary>What the launches of a step depend on; everything else of it is in memory.</summary>
/// <param name="Tokens">Tokens, padding included.</param>
/// <param name="Decodes">The sequences, from the first on, that have one token: padding included where the step has no others.</param>
/// <param name="Tiles">Tiles of tokens of the other sequences.</param>
/// <param name="Chunks">The chunks of keys of the longest sequence with one token, padded.</param>
/// <param name="Rows">Rows of logits.</param>
internal readonly record struct StepShape(int Tokens, int Decodes, int Tiles, int Chunks, int Rows)
{
    /// <summary>Gets whether every token is a sequence's only one.</summary>
    public bool IsDecode => Tiles == 0;

    /// <summary>
    /// How many keys count in a layer of a kind, and the chunks of them that the longest sequence with one token looks at, padded.
    /// </summary>
    public (int Window, int Chunks) Keys(CudaShape shape, bool sliding)
    {
        var window = shape.Config.SlidingWindow;
        return sliding
            ? (window, Math.Min(Chunks, AttentionKernels.Chunks(shape.Config.MaxPositions, window)))
            : (AttentionKernels.NoWindow, Chunks);
    }
}
