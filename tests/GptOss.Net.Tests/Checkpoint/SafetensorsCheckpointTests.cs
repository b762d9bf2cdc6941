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
    [InlineData("config.json")]
    [InlineData(IndexName)]
    [InlineData("model-2.safetensors")]
    public void A_named_file_that_is_read_stands_for_its_checkpoint(string name)
    {
        Shard("model-1.safetensors", "a");
        Shard("model-2.safetensors", "b");
        Index(("a", "model-1.safetensors"), ("b", "model-2.safetensors"));

        using var checkpoint = SafetensorsCheckpoint.Open(_directory.File(name));

        checkpoint.Tensors.Keys.Should().BeEquivalentTo("a", "b");
    }

    [Theory]
    [InlineData("other.safetensors")]
    [InlineData(IndexName)]
    [InlineData("model-1.safetensors")]
    public void A_named_file_beside_others_that_would_be_read_is_refused(string name)
    {
        Shard("model.safetensors", "a");
        Shard("model-1.safetensors", "a");
        Shard("other.safetensors", "a");
        Index(("a", "model-1.safetensors"));

        FluentActions.Invoking(() => SafetensorsCheckpoint.Open(_directory.File(name))).Should().Throw<CheckpointException>()
            .WithMessage("*is not what is loaded*model.safetensors*").Which.File.Should().Be(_directory.File(name));
    }

    [Fact]
    public void A_config_that_another_one_takes_the_place_of_is_refused()
    {
        _directory.Write("original/config.json", "{}"u8);
        Shard("original/model.safetensors", "a");

        FluentActions.Invoking(() => SafetensorsCheckpoint.Open(_directory.File("config.json"))).Should().Throw<CheckpointException>();
    }

    [Fact]
    public void Weights_of_another_name_are_told()
    {
        Shard("pytorch_model.safetensors", "a");

        Open().Should().Throw<CheckpointException>()
            .WithMessage("*but pytorch_model.safetensors: give such a file the name model.safetensors*");
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData(IndexName)]
    public void A_git_LFS_pointer_is_told(string name)
    {
        _directory.Write(name, "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 13761300984\n"u8);

        Open().Should().Throw<CheckpointException>().WithMessage("*git-LFS pointer*git lfs pull*");
    }

    [Fact]
    public void A_folder_that_may_not_be_read_is_told()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "Everything may be read here.");
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        File.SetUnixFileMode(_directory.Path, UnixFileMode.None);
        try
        {
            Open().Should().Throw<CheckpointException>().WithMessage("*cannot be read*denied*");
            FluentActions.Invoking(() => CheckpointLocator.Locate(_directory.File("below"), _directory.Path)).Should()
                .Throw<CheckpointException>()
                .WithMessage("*may not be read by the user*");
        }
        finally
        {
            File.SetUnixFileMode(_directory.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
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
