using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model;

/// <summary>A linear layer: <c>y = W x + b</c>.</summary>
/// <param name="Weight">The matrix.</param>
/// <param name="Bias">Values <c>[out]</c>, or <see langword="null"/> for none.</param>
internal sealed record LinearSource(WeightSource Weight, CheckpointTensor? Bias)
{
    public long ByteLength => Weight.ByteLength + (Bias?.ByteLength ?? 0);
}
