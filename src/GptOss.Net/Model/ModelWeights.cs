using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model;

/// <summary>Where every weight of the model lies in its checkpoint. A map, not the weights: nothing is read yet.</summary>
/// <param name="Embedding">Token embedding, <c>[vocabulary, hidden]</c>.</param>
/// <param name="Layers">The transformer blocks, in order.</param>
/// <param name="FinalNorm">RMSNorm scale after the last block, <c>[hidden]</c>.</param>
/// <param name="Unembedding">
/// The output projection (<c>lm_head</c>), <c>[vocabulary, hidden]</c>; the embedding itself when the checkpoint ties them.
/// </param>
internal sealed record ModelWeights(
    DenseWeightSource Embedding,
    IReadOnlyList<LayerWeights> Layers,
    CheckpointTensor FinalNorm,
    DenseWeightSource Unembedding)
{
    /// <summary>Gets the bytes that the checkpoint holds for all of it.</summary>
    public long ByteLength =>
        Embedding.ByteLength + Layers.Sum(layer => layer.ByteLength) + FinalNorm.ByteLength + (IsTied ? 0 : Unembedding.ByteLength);

    public bool IsTied => ReferenceEquals(Embedding, Unembedding);
}
