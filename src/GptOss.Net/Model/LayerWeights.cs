using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model;

/// <summary>The weights of one transformer block.</summary>
/// <param name="AttentionNorm">RMSNorm scale before attention, <c>[hidden]</c>.</param>
/// <param name="Query">Query projection, <c>[heads · headDim, hidden]</c>.</param>
/// <param name="Key">Key projection, <c>[kvHeads · headDim, hidden]</c>.</param>
/// <param name="Value">Value projection, <c>[kvHeads · headDim, hidden]</c>.</param>
/// <param name="Output">Output projection, <c>[hidden, heads · headDim]</c>.</param>
/// <param name="Sinks">One learned logit per query head, <c>[heads]</c>.</param>
/// <param name="MlpNorm">RMSNorm scale before the experts, <c>[hidden]</c>.</param>
/// <param name="Router">Router, <c>[experts, hidden]</c>.</param>
/// <param name="Experts">The experts, in order.</param>
internal sealed record LayerWeights(
    CheckpointTensor AttentionNorm,
    LinearSource Query,
    LinearSource Key,
    LinearSource Value,
    LinearSource Output,
    CheckpointTensor Sinks,
    CheckpointTensor MlpNorm,
    LinearSource Router,
    IReadOnlyList<ExpertSource> Experts)
{
    public long ByteLength =>
        AttentionNorm.ByteLength + Query.ByteLength + Key.ByteLength + Value.ByteLength + Output.ByteLength
        + Sinks.ByteLength + MlpNorm.ByteLength + Router.ByteLength + Experts.Sum(expert => expert.ByteLength);
}
