using GptOss.Net.Checkpoint;
using GptOss.Net.Checkpoint.Gguf;
using GptOss.Net.Model;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Checkpoint.Gguf;

/// <summary>GGUF files that say what a safetensors checkpoint says.</summary>
public sealed class GgufCheckpointTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("a", false)]
    [InlineData("b", false)]
    [InlineData("a", true)]
    [InlineData("b", true)]
    public void Weights_have_the_values_of_the_safetensors_that_they_were_made_from(string name, bool isOllama)
    {
        using var fixture = new ModelFixture(name);
        using var checkpoint = Open(new GgufModel(fixture.Checkpoint, fixture.Config) { IsOllama = isOllama });

        var config = ModelConfigReader.Read(checkpoint);

        config.Should().BeEquivalentTo(fixture.Config, options => options.Excluding(config => config.UnknownKeys));
        config.UnknownKeys.Should().BeEmpty();
        _ = ModelWeightsReader.Read(config, checkpoint);
        foreach (var expected in fixture.Checkpoint.Tensors.Values)
        {
            var tensor = checkpoint.Tensors[expected.Name];
            tensor.Shape.Should().Equal(expected.Shape);
            if (expected.Type == TensorType.U8)
            {
                Bytes(tensor).Should().Equal(Bytes(expected), expected.Name);
            }
            else
            {
                tensor.ReadSingles().Should().Equal(expected.ReadSingles(), expected.Name);
            }
        }
    }

    [Theory]
    [InlineData(nameof(GgmlType.Q8_0))]
    [InlineData(nameof(GgmlType.Q4_0))]
    [InlineData(nameof(GgmlType.Mxfp4))]
    [InlineData(nameof(GgmlType.BF16))]
    public void Any_part_of_a_tensor_is_what_the_whole_has_there(string type)
    {
        using var fixture = new ModelFixture("b");
        using var checkpoint = Open(new GgufModel(fixture.Checkpoint, fixture.Config) { Dense = Enum.Parse<GgmlType>(type) });
        var random = new Random(1);
        foreach (var tensor in checkpoint.Tensors.Values)
        {
            var whole = Bytes(tensor);
            for (var i = 0; i < 20; i++)
            {
                var size = tensor.Type.Size();
                var first = random.Next((int)tensor.ElementCount) * size;
                var part = new byte[random.Next(1, (int)tensor.ElementCount - (first / size) + 1) * size];

                tensor.Read(first, part);

                part.AsSpan().SequenceEqual(whole.AsSpan(first, part.Length)).Should().BeTrue();
            }
        }
    }

    [Fact]
    public void Quantized_embedding_takes_two_bytes_a_value_and_other_matrices_keep_every_bit()
    {
        using var fixture = new ModelFixture("b");
        using var checkpoint = Open(new GgufModel(fixture.Checkpoint, fixture.Config) { Dense = GgmlType.Q8_0 });

        checkpoint.Tensors["model.embed_tokens.weight"].Type.Should().Be(TensorType.F16);
        checkpoint.Tensors["lm_head.weight"].Type.Should().Be(TensorType.F32);
    }

    [Fact]
    public void Experts_that_are_not_MXFP4_are_read_apart()
    {
        using var fixture = new ModelFixture("b");
        using var checkpoint = Open(new GgufModel(fixture.Checkpoint, fixture.Config) { Experts = GgmlType.BF16 });

        var config = ModelConfigReader.Read(checkpoint);
        var weights = ModelWeightsReader.Read(config, checkpoint);

        config.Quantization.Should().Be(QuantizationConfig.None);
        var expected = (Mxfp4WeightSource)fixture.Weights.Layers[1].Experts[3].Down.Weight;
        var values = new float[fixture.Config.HiddenSize * fixture.Config.IntermediateSize];
        Mxfp4Format.Decode(Bytes(expected.Blocks), Bytes(expected.Scales), values);
        ((DenseWeightSource)weights.Layers[1].Experts[3].Down.Weight).Values.ReadSingles().Should().Equal(values);
    }

    [Fact]
    public void Parts_of_a_split_file_are_one_checkpoint_whichever_is_named()
    {
        using var fixture = new ModelFixture("a");
        WriteSplit(new GgufModel(fixture.Checkpoint, fixture.Config).Write(), parts: 3);

        foreach (var part in new[] { 1, 3 })
        {
            using var checkpoint = CheckpointOpener.Open(_directory.File($"m-0000{part}-of-00003.gguf"));

            checkpoint.Tensors.Keys.Should().BeEquivalentTo(fixture.Checkpoint.Tensors.Keys);
        }

        using var found = CheckpointOpener.Open(_directory.Path);
        found.Tensors["lm_head.weight"].ReadSingles().Should().Equal(fixture.Checkpoint.Tensors["lm_head.weight"].ReadSingles());
    }

    [Fact]
    public void A_missing_part_is_told_by_its_name()
    {
        using var fixture = new ModelFixture("a");
        WriteSplit(new GgufModel(fixture.Checkpoint, fixture.Config).Write(), parts: 3);
        File.Delete(_directory.File("m-00002-of-00003.gguf"));

        var open = () => CheckpointOpener.Open(_directory.File("m-00001-of-00003.gguf")).Dispose();

        open.Should().Throw<CheckpointException>().WithMessage("*m-00002-of-00003.gguf*");
    }

    [Fact]
    public void Parts_that_changed_places_are_refused()
    {
        using var fixture = new ModelFixture("a");
        WriteSplit(new GgufModel(fixture.Checkpoint, fixture.Config).Write(), parts: 2);
        File.Move(_directory.File("m-00001-of-00002.gguf"), _directory.File("x"));
        File.Move(_directory.File("m-00002-of-00002.gguf"), _directory.File("m-00001-of-00002.gguf"));
        File.Move(_directory.File("x"), _directory.File("m-00002-of-00002.gguf"));

        var open = () => CheckpointOpener.Open(_directory.File("m-00001-of-00002.gguf")).Dispose();

        open.Should().Throw<CheckpointException>().WithMessage("*part 1 of 2*");
    }

    [Fact]
    public void A_folder_with_two_models_asks_for_one_of_them()
    {
        _directory.Write("a.gguf", "GGUF"u8);
        _directory.Write("b.gguf", "GGUF"u8);

        var open = () => CheckpointOpener.Open(_directory.Path).Dispose();

        open.Should().Throw<CheckpointException>().WithMessage("*a.gguf, b.gguf*");
    }

    [Fact]
    public void Keys_of_the_architecture_that_nobody_knows_are_told()
    {
        using var fixture = new ModelFixture("a");
        var writer = new GgufModel(fixture.Checkpoint, fixture.Config).Write();
        writer.Metadata.Add(("gpt-oss.attention.soft_cap", 30f));
        using var checkpoint = Open(writer);

        ModelConfigReader.Read(checkpoint).UnknownKeys.Should().Equal("gpt-oss.attention.soft_cap");
    }

    [Theory]
    [InlineData("general.architecture", "llama", "*'llama'*expected 'gpt-oss'*")]
    [InlineData("gpt-oss.attention.value_length", 16, "*value_length is 16*")]
    [InlineData("gpt-oss.rope.scaling.type", "linear", "*'linear'*'yarn'*")]
    [InlineData("gpt-oss.embedding_length", 128, "*shape*asks for*128*")]
    [InlineData("gpt-oss.expert_count", -1, "*num_local_experts is 4294967295*")]
    public void Metadata_that_do_not_fit_are_refused(string key, object value, string message)
    {
        using var fixture = new ModelFixture("a");
        var writer = new GgufModel(fixture.Checkpoint, fixture.Config).Write();
        writer.Metadata.RemoveAll(pair => pair.Key == key);
        writer.Metadata.Add((key, value));

        var read = () =>
        {
            using var checkpoint = Open(writer);
            return ModelWeightsReader.Read(ModelConfigReader.Read(checkpoint), checkpoint);
        };

        read.Should().Throw<CheckpointException>().WithMessage(message);
    }

    [Fact]
    public void A_tensor_of_a_type_that_nobody_decodes_is_refused_by_name()
    {
        using var fixture = new ModelFixture("a");
        var writer = new GgufModel(fixture.Checkpoint, fixture.Config).Write();
        writer.Tensors.Add(("blk.0.attn_q.weight.x", (GgmlType)16, [256], new byte[66]));

        FluentActions.Invoking(() => Open(writer)).Should().Throw<CheckpointException>().WithMessage("*ggml type 16*").Which.Tensor.Should()
            .Be("blk.0.attn_q.weight.x");
    }

    [Fact]
    public void Every_cut_of_a_file_is_refused()
    {
        using var fixture = new ModelFixture("a");
        var bytes = new GgufModel(fixture.Checkpoint, fixture.Config).Write().Write();
        for (var length = 0; length < bytes.Length - 32; length += length < 4_000 ? 7 : 9_973)
        {
            var open = () => GgufCheckpoint.Open(new MemorySource(bytes[..length]), length).Dispose();

            open.Should().Throw<CheckpointException>();
        }
    }

    private GgufCheckpoint Open(GgufModel model) => Open(model.Write());

    private static GgufCheckpoint Open(GgufWriter writer) =>
        writer.Write() is var bytes ? GgufCheckpoint.Open(new MemorySource(bytes), bytes.Length) : null!;

    private static byte[] Bytes(CheckpointTensor tensor)
    {
        var bytes = new byte[tensor.ByteLength];
        tensor.Read(0, bytes);
        return bytes;
    }

    private void WriteSplit(GgufWriter whole, int parts)
    {
        for (var part = 0; part < parts; part++)
        {
            var writer = new GgufWriter();
            if (part == 0)
            {
                writer.Metadata.AddRange(whole.Metadata);
            }

            writer.Metadata.AddRange([("split.no", part), ("split.count", parts), ("split.tensors.count", whole.Tensors.Count)]);
            writer.Tensors.AddRange(whole.Tensors.Where((_, i) => i % parts == part));
            _directory.Write($"m-0000{part + 1}-of-0000{parts}.gguf", writer.Write());
        }
    }
}
