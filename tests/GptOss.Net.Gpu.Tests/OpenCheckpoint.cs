using GptOss.Net.Checkpoint;
using GptOss.Net.Model;

namespace GptOss.Net.Gpu.Tests;

/// <summary>A checkpoint on disk with its configuration and the places of its weights.</summary>
internal sealed class OpenCheckpoint : IDisposable
{
    private readonly SafetensorsCheckpoint _checkpoint;

    public OpenCheckpoint(string folder)
    {
        _checkpoint = SafetensorsCheckpoint.Open(folder);
        Config = ModelConfigReader.Read(_checkpoint.ConfigPath);
        Weights = ModelWeightsReader.Read(Config, _checkpoint);
    }

    public ModelConfig Config { get; }

    public ModelWeights Weights { get; }

    public void Dispose() => _checkpoint.Dispose();
}
