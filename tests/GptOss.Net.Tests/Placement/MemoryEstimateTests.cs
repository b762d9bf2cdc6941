using GptOss.Net.Checkpoint;
using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Tests.Placement;

public class MemoryEstimateTests
{
    private const long Parameters = 20_914_757_184;
    private const long CheckpointBytes = 13_761_264_768;

    // 24 layers of 32 experts: gate and up 5760 × 2880, down 2880 × 2880.
    private const long QuantizedParameters = 24L * 32 * ((5760 * 2880) + (2880 * 2880));

    private static ModelConfig Config => PlacementScenario.GptOss20B;

    [Fact]
    public void The_shape_of_gpt_oss_20b_takes_the_bytes_of_its_checkpoint() =>
        MemoryEstimate.Of(Config, WeightFormats.AsStored).Total.Should().Be(CheckpointBytes);

    [Fact]
    public void Expanded_to_bfloat16_every_parameter_takes_two_bytes() =>
        MemoryEstimate.Of(Config, WeightFormats.BFloat16).Total.Should().Be(2 * Parameters);

    [Fact]
    public void Expanded_to_float32_every_parameter_takes_four_bytes() =>
        MemoryEstimate.Of(Config, WeightFormats.Float32).Total.Should().Be(4 * Parameters);

    [Fact]
    public void Dense_weights_alone_can_be_float32() =>
        MemoryEstimate.Of(Config, new WeightFormats(WeightFormat.AsStored, WeightFormat.Float32)).Total
            .Should().Be(CheckpointBytes + (2 * (Parameters - QuantizedParameters)));

    [Fact]
    public void A_tied_output_projection_takes_memory_on_another_device_only()
    {
        MemoryEstimate tied = MemoryEstimate.Of(Config with { TieWordEmbeddings = true }, WeightFormats.AsStored);

        tied.UnembeddingBytes(besideEmbedding: true).Should().Be(2 * 2880);
        tied.UnembeddingBytes(besideEmbedding: false).Should().Be(2 * ((201_088L * 2880) + 2880));
        tied.Total.Should().Be(CheckpointBytes - (2 * 201_088L * 2880));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("a-awq")]
    public void A_checkpoint_takes_the_bytes_of_its_tensors(string name)
    {
        using SafetensorsCheckpoint checkpoint = SafetensorsCheckpoint.Open(Fixtures.ModelDirectory(name));
        ModelConfig config = ModelConfigReader.Read(checkpoint.ConfigPath);

        MemoryEstimate estimate = MemoryEstimate.Of(config, ModelWeightsReader.Read(config, checkpoint), WeightFormats.AsStored);

        estimate.Layers.Should().HaveCount(config.LayerCount);
        estimate.Total.Should().Be(checkpoint.Files.Sum(file => file.Length - file.DataOffset));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("a-awq")]
    public void A_checkpoint_and_its_shape_agree_on_the_expanded_bytes(string name)
    {
        using SafetensorsCheckpoint checkpoint = SafetensorsCheckpoint.Open(Fixtures.ModelDirectory(name));
        ModelConfig config = ModelConfigReader.Read(checkpoint.ConfigPath);

        MemoryEstimate estimate = MemoryEstimate.Of(config, ModelWeightsReader.Read(config, checkpoint), WeightFormats.BFloat16);

        estimate.Should().BeEquivalentTo(MemoryEstimate.Of(config, WeightFormats.BFloat16));
    }
}
