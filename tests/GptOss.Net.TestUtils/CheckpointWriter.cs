using GptOss.Net.Model;

namespace GptOss.Net.TestUtils;

/// <summary>Writes a checkpoint directory in the layout of Hugging Face: config.json and model.safetensors.</summary>
internal static class CheckpointWriter
{
    /// <summary>Writes a checkpoint.</summary>
    /// <param name="directory">The directory; created where it is not there.</param>
    /// <param name="config">The architecture.</param>
    /// <param name="tensors">The weights, under the names that docs/weights.md lists.</param>
    public static void Write(string directory, ModelConfig config, SafetensorsWriter tensors)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllBytes(Path.Combine(directory, "config.json"), ModelConfigWriter.Write(config));
        tensors.Save(Path.Combine(directory, "model.safetensors"));
    }
}
