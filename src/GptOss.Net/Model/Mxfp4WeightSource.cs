using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model;

/// <summary>
/// MXFP4: <paramref name="Blocks"/> U8 <c>[out, in / 32, 16]</c> and <paramref name="Scales"/> F8_E8M0 <c>[out, in / 32]</c>.
/// </summary>
internal sealed record Mxfp4WeightSource(int OutputSize, int InputSize, CheckpointTensor Blocks, CheckpointTensor Scales)
    : WeightSource(OutputSize, InputSize)
{
    public override long ByteLength => Blocks.ByteLength + Scales.ByteLength;
}
