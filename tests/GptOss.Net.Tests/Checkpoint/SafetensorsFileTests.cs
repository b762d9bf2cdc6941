using System.Buffers.Binary;
using GptOss.Net.Checkpoint;

using static GptOss.Net.Tests.Checkpoint.SafetensorsBytes;

namespace GptOss.Net.Tests.Checkpoint;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void File_without_room_for_a_header_is_refused(int length)
    {
        Open(new byte[length]).Should().Throw<CheckpointException>().WithMessage("*too short*");
    }

    [Theory]
    [InlineData(0UL, "does not start with")]
    [InlineData(1UL, "is truncated")]
    [InlineData(100_000_001UL, "at most 100,000,000")]
    [InlineData(1UL << 63, "at most 100,000,000")]
    [InlineData(ulong.MaxValue, "at most 100,000,000")]
    public void Claimed_header_length_is_checked_before_anything_is_allocated(ulong claimed, string reason)
    {
        var file = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(file, claimed);

        Open(file).Should().Throw<CheckpointException>().WithMessage("*" + reason + "*");
    }

    [Fact]
    public void Absent_file_is_reported_with_its_path()
    {
        var open = () => SafetensorsFile.Open(_directory.File("absent.safetensors"));

        open.Should().Throw<CheckpointException>().WithMessage("*absent.safetensors*cannot be opened*");
    }

    [Fact]
    public void Directory_in_the_place_of_the_file_is_refused()
    {
        var open = () => SafetensorsFile.Open(_directory.Path);

        open.Should().Throw<CheckpointException>();
    }

    [Fact]
    public void Fixture_truncated_anywhere_is_refused()
    {
        var whole = System.IO.File.ReadAllBytes(Path.Combine(Fixtures.ModelDirectory("a"), "model.safetensors"));
        var random = new Random(1);
        var lengths = Enumerable.Range(0, 400).Concat(Enumerable.Range(0, 600).Select(_ => random.Next(whole.Length)));
        var path = _directory.File("cut.safetensors");
        foreach (var length in lengths.Append(whole.Length - 1))
        {
            System.IO.File.WriteAllBytes(path, whole.AsSpan(0, length));

            var open = () => SafetensorsFile.Open(path).Dispose();

            open.Should().Throw<CheckpointException>($"only {length} of {whole.Length} bytes are there");
        }
    }

    [Fact]
    public void Fixture_with_bytes_after_its_end_is_refused()
    {
        var whole = System.IO.File.ReadAllBytes(Path.Combine(Fixtures.ModelDirectory("a"), "model.safetensors"));

        Open([.. whole, 0]).Should().Throw<CheckpointException>().WithMessage("*no tensor owns*");
    }

    [Fact]
    public void File_that_shrinks_while_open_is_reported_with_the_tensor()
    {
        var path = _directory.Write("model.safetensors", File(Object(Entry("weight", "U8", "[100]", "[0,100]")), 100));
        using var file = SafetensorsFile.Open(path);
        using (var writer = System.IO.File.Open(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            writer.SetLength(file.DataOffset + 10);
        }

        var read = () => file.Tensors[0].Read(0, new byte[100]);

        read.Should().Throw<CheckpointException>().Which.Tensor.Should().Be("weight");
    }

    [Fact]
    public void Many_threads_read_the_same_bytes()
    {
        using var file = SafetensorsFile.Open(Path.Combine(Fixtures.ModelDirectory("a"), "model.safetensors"));
        var expected = file.Tensors.Select(Bytes).ToList();

        Parallel.For(0, 200, i => Bytes(file.Tensors[i % file.Tensors.Count]).Should().Equal(expected[i % file.Tensors.Count]));
    }

    private static byte[] Bytes(CheckpointTensor tensor)
    {
        var bytes = new byte[tensor.ByteLength];
        tensor.Read(0, bytes);
        return bytes;
    }

    private Action Open(byte[] content)
    {
        var path = _directory.Write("model.safetensors", content);
        return () => SafetensorsFile.Open(path).Dispose();
    }
}
