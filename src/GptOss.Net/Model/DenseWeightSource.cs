using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model;

/// <summary>BF16, F16 or F32 values: <c>[out, in]</c>, or <c>[in, out]</c> where <paramref name="Transposed"/>.</summary>
internal sealed record DenseWeightSource(int OutputSize, int InputSize, CheckpointTensor Values, bool Transposed = false)
    : WeightSource(OutputSize, InputSize)
{
    public override long ByteLength => Values.ByteLength;
}
