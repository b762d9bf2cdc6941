using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model;

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
