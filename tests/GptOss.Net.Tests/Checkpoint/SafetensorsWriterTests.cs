using CsCheck;
using GptOss.Net.Checkpoint;

namespace GptOss.Net.Tests.Checkpoint;

public sealed class SafetensorsWriterTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_is_written_is_read_back()
    {
        var shape = Gen.Long[0, 5].Array[0, 4];
        var tensor = Gen.Select(Gen.Enum<TensorType>(), shape, Gen.Int);
        var name = Gen.String[Gen.Char['!', '~'].Where(c => c is not ('/' or '\\')), 1, 20].Where(text => text != "__metadata__");
        var file = 0;

        Gen.Dictionary(name, tensor)[0, 8].Sample(
            tensors =>
            {
                var path = _directory.File($"{Interlocked.Increment(ref file)}.safetensors");
                var writer = new SafetensorsWriter();
                foreach (var (key, (type, dimensions, seed)) in tensors)
                {
                    writer.Add(key, type, dimensions, Bytes(type, dimensions, seed));
                }

                writer.Save(path);
                using var read = SafetensorsFile.Open(path);
                return read.Tensors.Count == tensors.Count && read.Tensors.All(stored =>
                {
                    var (type, dimensions, seed) = tensors[stored.Name];
                    var bytes = new byte[stored.ByteLength];
                    stored.Source.Read(stored.Offset, bytes, stored.Name); // the bytes, also where no number is finite
                    return stored.Type == type && stored.Shape.SequenceEqual(dimensions)
                        && bytes.AsSpan().SequenceEqual(Bytes(type, dimensions, seed));
                });
            },
            iter: LongTests.Cases(300, 5_000));
    }

    [Fact]
    public void Values_are_aligned_to_their_size()
    {
        var writer = new SafetensorsWriter();
        writer.Add("a", TensorType.U8, [3], new byte[3]);
        writer.Add("b", TensorType.F32, [1], new byte[4]);
        writer.Add("c", TensorType.BF16, [5], new byte[10]);
        writer.Save(_directory.File("model.safetensors"));

        using var file = SafetensorsFile.Open(_directory.File("model.safetensors"));

        file.Tensors.Should().OnlyContain(tensor => tensor.Offset % tensor.Type.Size() == 0);
    }

    [Fact]
    public void Wrong_number_of_bytes_leaves_no_file()
    {
        var path = _directory.File("model.safetensors");
        var writer = new SafetensorsWriter();
        writer.Add("a", TensorType.F32, [2], new byte[7]);

        writer.Invoking(w => w.Save(path)).Should().Throw<InvalidOperationException>().WithMessage("*'a' has 8 bytes, but 7*");

        File.Exists(path).Should().BeFalse();
    }

    private static byte[] Bytes(TensorType type, long[] shape, int seed)
    {
        var bytes = new byte[shape.Aggregate((long)type.Size(), (product, dimension) => product * dimension)];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
