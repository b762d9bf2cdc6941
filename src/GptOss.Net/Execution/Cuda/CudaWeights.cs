using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Placement;

namespace GptOss.Net.Execution.Cuda;

/// <summary>The weights that one device has, packed.</summary>
internal sealed record CudaWeights
{
    /// <summary>
    /// Gets the token embedding, bfloat16 <c>[vocabulary, hidden]</c> as in the checkpoint; 0 on a device that does not begin the model.
    /// </summary>
    public required nint Embedding { get; init; }

    public required IReadOnlyList<CudaLayer> Layers { get; init; }

    /// <summary>Gets the gain of the last norm; 0 on a device that does not end the model.</summary>
    public required nint FinalNorm { get; init; }

    public required DenseWeights Unembedding { get; init; }

    /// <summary>Gets (cos, sin) of every position, float <c>[positions, 32, 2]</c>.</summary>
    public required nint Rotation { get; init; }

    /// <summary>The bytes of all that but the rotation, for the plan.</summary>
    /// <param name="shape">The widths; of heads those of a card.</param>
    /// <param name="share">What the card has of every matrix.</param>
    /// <param name="formats">How weights lie.</param>
    public static MemoryEstimate Estimate(CudaShape shape, CudaShare share, CudaFormats formats)
    {
        var (hidden, inner, experts) = (share.Hidden(shape).Count, share.Intermediate(shape).Count, (long)shape.Experts);
        var layer = Vector((2 * shape.Hidden) + shape.QueryHeads)
            + Dense(formats.Attention, shape.QkvWidth, shape.Hidden) + Vector(shape.QkvWidth)
            + Dense(formats.Attention, hidden, shape.AttendedWidth) + Vector(hidden)
            + PackKernels.RouterBytes(shape.RouterRows, shape.Hidden) + Vector(shape.RouterRows)
            + (experts * (ExpertWeights.Bytes(formats.Experts, 2 * inner, shape.Hidden) + Vector(2 * inner)))
            + (experts * (ExpertWeights.Bytes(formats.Experts, hidden, shape.Intermediate) + Vector(hidden)));
        return new MemoryEstimate(
            Embedding: (long)shape.Config.VocabularySize * shape.Config.HiddenSize * sizeof(ushort),
            Layers: [.. Enumerable.Repeat(layer, shape.Config.LayerCount)],
            FinalNorm: Vector(shape.Hidden),
            Unembedding: Dense(formats.Unembedding, share.Vocabulary(shape).Count, shape.Hidden),
            IsTied: false); // It is packed, and the embedding is not.

        static long Vector(int values) => (long)values * sizeof(ushort);

        static long Dense(DenseFormat format, int rows, int k) =>
            DenseWeights.Bytes(format, rows, k) + (format == DenseFormat.Int8 ? (long)rows * sizeof(float) : 0);
    }
}
