using GptOss.Net.Checkpoint;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.Model;

public sealed class ModelWeightsReaderFixtureTests
{
    [Theory]
    [InlineData("a", 4, 8)]
    [InlineData("b", 3, 5)]
    [InlineData("a-awq", 4, 8)]
    public void Fixture_maps_to_every_layer_and_expert(string name, int layers, int experts)
    {
        using var checkpoint = SafetensorsCheckpoint.Open(Fixtures.ModelDirectory(name));
        var config = ModelConfigReader.Read(checkpoint.ConfigPath);

        var weights = ModelWeightsReader.Read(config, checkpoint);

        weights.Layers.Should().HaveCount(layers);
        weights.Layers.Should().OnlyContain(layer => layer.Experts.Count == experts);
        weights.IsTied.Should().BeFalse();
    }

    [Fact]
    public void Mapped_bytes_are_all_bytes_of_the_file()
    {
        using var checkpoint = SafetensorsCheckpoint.Open(Fixtures.ModelDirectory("a"));
        var weights = ModelWeightsReader.Read(ModelConfigReader.Read(checkpoint.ConfigPath), checkpoint);

        var mapped = weights.Embedding.ByteLength + weights.Unembedding.ByteLength + weights.FinalNorm.ByteLength
            + weights.Layers.Sum(layer => layer.ByteLength);

        mapped.Should().Be(checkpoint.Files.Sum(file => file.Length - file.DataOffset));
    }
}
