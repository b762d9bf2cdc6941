using System.Text.Json;
using GptOss.Net.Checkpoint;
using GptOss.Net.Model;

namespace GptOss.Net.TestUtils;

/// <summary>A small random checkpoint with the logits and greedy tokens of the official implementation.</summary>
internal sealed class ModelFixture : IDisposable
{
    private readonly SafetensorsFile _expected;

    public ModelFixture(string name)
    {
        Directory = Fixtures.ModelDirectory(name);
        Checkpoint = SafetensorsCheckpoint.Open(Directory);
        Config = ModelConfigReader.Read(Checkpoint.ConfigPath);
        Weights = ModelWeightsReader.Read(Config, Checkpoint);
        _expected = SafetensorsFile.Open(Path.Combine(Directory, "expected.safetensors"));
        Cases = JsonDocument.Parse(File.ReadAllText(Path.Combine(Directory, "expected.json")))
            .RootElement.GetProperty("cases").EnumerateArray().Select(ReadCase).ToArray();
    }

    public string Directory { get; }

    public SafetensorsCheckpoint Checkpoint { get; }

    public ModelConfig Config { get; }

    public ModelWeights Weights { get; }

    public IReadOnlyList<ModelFixtureCase> Cases { get; }

    /// <summary>The relative error of logits, in the Frobenius norm.</summary>
    public static double RelativeError(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        actual.Length.Should().Be(expected.Length);
        double difference = 0, norm = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            difference += Math.Pow(actual[i] - expected[i], 2);
            norm += Math.Pow(expected[i], 2);
        }

        return Math.Sqrt(difference / norm);
    }

    public void Dispose()
    {
        _expected.Dispose();
        Checkpoint.Dispose();
    }

    private ModelFixtureCase ReadCase(JsonElement element)
    {
        var inputIds = element.GetProperty("input_ids").EnumerateArray().Select(id => id.GetInt32()).ToArray();
        return new ModelFixtureCase(
            inputIds,
            element.TryGetProperty("greedy", out var greedy) ? greedy.EnumerateArray().Select(id => id.GetInt32()).ToArray() : [],
            Logits($"logits_{inputIds.Length}")!,
            Logits($"logits_bf16_{inputIds.Length}"));
    }

    private float[]? Logits(string name) =>
        _expected.Tensors.FirstOrDefault(tensor => string.Equals(tensor.Name, name, StringComparison.Ordinal))?.ReadSingles();
}
