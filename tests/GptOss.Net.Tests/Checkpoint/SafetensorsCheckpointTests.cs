using System.Text;
using GptOss.Net.Checkpoint;

namespace GptOss.Net.Tests.Checkpoint;

public sealed class SafetensorsCheckpointTests : IDisposable
{
    private const string IndexName = "model.safetensors.index.json";

    private readonly TemporaryDirectory _directory = new();

    public SafetensorsCheckpointTests()
    {
        _directory.Write("config.json", "{}"u8);
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Empty_directory_is_refused()
    {
        Open().Should().Throw<CheckpointException>().WithMessage("*neither model.safetensors nor model.safetensors.index.json*");
    }

    [Fact]
    public void Missing_config_is_refused()
    {
        Shard("model.safetensors", "a");
        File.Delete(_directory.File("config.json"));

        Open().Should().Throw<CheckpointException>().WithMessage("*no config.json*");
    }

    [Fact]
    public void Shards_are_joined()
    {
        Shard("model-1.safetensors", "a", "b");
        Shard("model-2.safetensors", "c");
        Index(("a", "model-1.safetensors"), ("b", "model-1.safetensors"), ("c", "model-2.safetensors"));

        using var checkpoint = SafetensorsCheckpoint.Open(_directory.Path);

        checkpoint.Tensors.Keys.Should().BeEquivalentTo("a", "b", "c");
        checkpoint.Files.Should().HaveCount(2);
    }

    [Fact]
    public void Original_subdirectory_is_found_with_its_own_config()
    {
        _directory.Write("original/config.json", "{}"u8);
        Shard("original/model.safetensors", "a");

        using var checkpoint = SafetensorsCheckpoint.Open(_directory.Path);

        checkpoint.Directory.Should().Be(_directory.File("original"));
        checkpoint.ConfigPath.Should().Be(Path.Combine(_directory.File("original"), "config.json"));
    }

    [Fact]
    public void Config_above_the_original_subdirectory_is_found()
    {
        Shard("original/model.safetensors", "a");

        using var checkpoint = SafetensorsCheckpoint.Open(_directory.Path);

        checkpoint.ConfigPath.Should().Be(_directory.File("config.json"));
    }

    [Theory]
    [InlineData("../model-1.safetensors")]
    [InlineData("sub/model-1.safetensors")]
    [InlineData("..\\\\model-1.safetensors")]
    [InlineData("/etc/model-1.safetensors")]
    [InlineData("C:model-1.safetensors")]
    [InlineData(".safetensors")]
    [InlineData("model-1.bin")]
    [InlineData("model\\u0000.safetensors")]
    [InlineData("")]
    public void Shard_that_is_not_a_plain_file_name_is_refused(string shard)
    {
        Shard("model-1.safetensors", "a");
        Index(("a", shard));

        Open().Should().Throw<CheckpointException>().WithMessage("*plain file name*");
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"weight_map\":[]}")]
    [InlineData("{\"weight_map\":{\"a\":1}}")]
    [InlineData("{\"weight_map\":{\"a\":\"m.safetensors\",\"a\":\"m.safetensors\"}}")]
    [InlineData("{\"weight_map\":{\"\\ud800\":\"m.safetensors\"}}")]
    [InlineData("{\"weight_map\":{\"a\":\"\\ud800.safetensors\"}}")]
    [InlineData("{\"weight_map\":{\"a\":\"m.safetensors\"}")]
    public void Damaged_index_is_refused(string json)
    {
        _directory.Write(IndexName, Encoding.UTF8.GetBytes(json));

        Open().Should().Throw<CheckpointException>();
    }

    [Fact]
    public void Missing_shard_is_refused()
    {
        Index(("a", "model-1.safetensors"));

        Open().Should().Throw<CheckpointException>().WithMessage("*model-1.safetensors*cannot be opened*");
    }

    [Fact]
    public void Tensor_in_two_shards_is_refused()
    {
        Shard("model-1.safetensors", "a", "b");
        Shard("model-2.safetensors", "a");
        Index(("a", "model-2.safetensors"), ("b", "model-1.safetensors"));

        Open().Should().Throw<CheckpointException>().WithMessage("*is also in model-1.safetensors*");
    }

    [Fact]
    public void Tensor_elsewhere_than_the_index_says_is_refused()
    {
        Shard("model-1.safetensors", "a");
        Shard("model-2.safetensors", "b");
        Index(("a", "model-2.safetensors"), ("b", "model-1.safetensors"));

        Open().Should().Throw<CheckpointException>().WithMessage("*where the index puts it*");
    }

    [Fact]
    public void Tensor_that_the_index_does_not_name_is_refused()
    {
        Shard("model-1.safetensors", "a", "b");
        Index(("a", "model-1.safetensors"));

        Open().Should().Throw<CheckpointException>().WithMessage("*'b'*not in the index*");
    }

    [Fact]
    public void Reading_after_disposal_is_refused()
    {
        Shard("model.safetensors", "a");
        var checkpoint = SafetensorsCheckpoint.Open(_directory.Path);
        checkpoint.Dispose();

        checkpoint.Tensors["a"].Invoking(tensor => tensor.Read(0, new byte[1])).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void Mutated_indexes_are_read_or_refused()
    {
        Shard("model-1.safetensors", "a", "b");
        Index(("a", "model-1.safetensors"), ("b", "model-1.safetensors"));
        var source = File.ReadAllBytes(_directory.File(IndexName));
        var (read, cases) = (0, LongTests.Cases(2_000, 20_000));
        for (var seed = 0; seed < cases; seed++)
        {
            _directory.Write(IndexName, JsonMutator.Mutate(source, seed));
            try
            {
                SafetensorsCheckpoint.Open(_directory.Path).Dispose();
                read++;
            }
            catch (CheckpointException)
            {
                // The only exception there may be.
            }
        }

        read.Should().BeInRange(cases / 200, cases * 9 / 10);
    }

    private Action Open() => () => SafetensorsCheckpoint.Open(_directory.Path).Dispose();

    private void Shard(string file, params string[] tensors)
    {
        var writer = new SafetensorsWriter();
        foreach (var tensor in tensors)
        {
            writer.Add(tensor, TensorType.U8, [1], new byte[1]);
        }

        Directory.CreateDirectory(Path.GetDirectoryName(_directory.File(file))!);
        writer.Save(_directory.File(file));
    }

    private void Index(params (string Tensor, string Shard)[] entries)
    {
        var map = string.Join(",", entries.Select(entry => $"\"{entry.Tensor}\":\"{entry.Shard}\""));
        _directory.Write(IndexName, Encoding.UTF8.GetBytes($"{{\"metadata\":{{}},\"weight_map\":{{{map}}}}}"));
    }
}
