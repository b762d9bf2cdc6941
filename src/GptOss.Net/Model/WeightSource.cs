using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model;

/// <summary>Where a weight matrix lies in the checkpoint, and in which format; nothing is read yet.</summary>
/// <param name="OutputSize">Rows of the matrix: the length of the result of <c>W x</c>.</param>
/// <param name="InputSize">Columns of the matrix: the length of <c>x</c>.</param>
internal abstract record WeightSource(int OutputSize, int InputSize)
{
    /// <summary>Gets the bytes that the checkpoint holds for this matrix.</summary>
    public abstract long ByteLength { get; }
}

/// <summary>BF16, F16 or F32 values: <c>[out, in]</c>, or <c>[in, out]</c> where <paramref name="Transposed"/>.</summary>
internal sealed record DenseWeightSource(int OutputSize, int InputSize, CheckpointTensor Values, bool Transposed = false)
    : WeightSource(OutputSize, InputSize)
{
    public override long ByteLength => Values.ByteLength;
}

/// <summary>MXFP4: <paramref name="Blocks"/> U8 <c>[out, in / 32, 16]</c> and <paramref name="Scales"/> U8 <c>[out, in / 32]</c>.</summary>
internal sealed record Mxfp4WeightSource(int OutputSize, int InputSize, CheckpointTensor Blocks, CheckpointTensor Scales)
    : WeightSource(OutputSize, InputSize)
{
    public override long ByteLength => Blocks.ByteLength + Scales.ByteLength;
}

/// <summary>
/// AutoAWQ GEMM, 4 bit: <paramref name="QWeight"/> I32 <c>[in, out / 8]</c>, <paramref name="QZeros"/> I32
/// <c>[in / group, out / 8]</c>, <paramref name="Scales"/> F16 <c>[in / group, out]</c>.
/// </summary>
internal sealed record AwqWeightSource(
    int OutputSize,
    int InputSize,
    CheckpointTensor QWeight,
    CheckpointTensor QZeros,
    CheckpointTensor Scales,
    int GroupSize)
    : WeightSource(OutputSize, InputSize)
{
    public override long ByteLength => QWeight.ByteLength + QZeros.ByteLength + Scales.ByteLength;
}
