using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model;

/// <summary>
/// Maps the tensors of a checkpoint, in either naming, to the weights of the model; reads no values but those of a matrix that is stored
/// twice.
/// </summary>
internal static class ModelWeightsReader
{
    /// <summary>Maps a checkpoint whose tensors must be exactly those that the config asks for.</summary>
    public static ModelWeights Read(ModelConfig config, ICheckpoint checkpoint)
    {
        var tensors = new TensorLookup(checkpoint);
        var weights = OriginalWeightsReader.Recognizes(tensors)
            ? new OriginalWeightsReader(config, tensors).Read()
            : new HuggingFaceWeightsReader(config, tensors).Read();
        tensors.ThrowIfMissingOrUnknown();
        return weights;
    }
}
