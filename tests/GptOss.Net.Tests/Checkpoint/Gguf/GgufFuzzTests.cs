using System.Buffers.Binary;
using GptOss.Net.Checkpoint.Gguf;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.Checkpoint.Gguf;

public sealed class GgufFuzzTests
{
    // The names of all tensors that a config may ask for: 256 layers of 1,024 experts.
    private const long AllocationBound = 512 << 20;

    [Fact]
    public void Mutated_headers_load_or_are_refused()
    {
        using var fixture = new ModelFixture("a");
        var whole = new GgufModel(fixture.Checkpoint, fixture.Config) { HasVocabulary = false }.Write().Write();
        var length = whole.Length;
        var header = whole[..HeaderLength(whole)]; // loading reads no values
        var accepted = 0;
        var cases = LongTests.Cases(5_000, 1_000_000);
        for (var seed = 0; seed < cases; seed++)
        {
            accepted += Mutate(header, new Random(seed)) is var bytes
                && Loads(bytes, bytes.Length < header.Length ? bytes.Length : length, seed) ? 1 : 0;
        }

        // Neither everything nor nothing: the mutations reach both sides of the checks.
        accepted.Should().BeInRange(cases / 200, cases * 9 / 10);
    }

    private static bool Loads(byte[] bytes, int length, int seed)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var loads = false;
        try
        {
            using var checkpoint = GgufCheckpoint.Open(new MemorySource(bytes, length), length);
            var weights = ModelWeightsReader.Read(ModelConfigReader.Read(checkpoint), checkpoint);
            loads = weights.ByteLength > 0;
        }
        catch (CheckpointException)
        {
            // The only exception there may be.
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < AllocationBound, $"Seed {seed}: {allocated} bytes allocated.");
        return loads;
    }

    private static byte[] Mutate(byte[] whole, Random random)
    {
        var bytes = (byte[])whole.Clone();
        var header = bytes.Length;
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var at = random.Next(header);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    // Where a count, an offset or a dimension may be.
                    ulong[] values =
                        [0, 1, 31, 33, 255, 65_536, 1UL << 31, 1UL << 32, 1UL << 62, 1UL << 63, ulong.MaxValue, (ulong)random.NextInt64()];
                    BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(Math.Min(at, header - 8)), values[random.Next(values.Length)]);
                    break;
                case 3:
                    uint[] types = [0, 1, 2, 4, 8, 9, 10, 12, 13, 30, 39, 40, uint.MaxValue];
                    BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Math.Min(at, header - 4)), types[random.Next(types.Length)]);
                    break;
                case 4:
                    var length = random.Next(1, 40);
                    var from = random.Next(header - length);
                    bytes.AsSpan(from, length).CopyTo(bytes.AsSpan(Math.Min(at, header - length)));
                    break;
                default:
                    bytes = random.Next(8) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
                    header = bytes.Length;
                    if (header < 64)
                    {
                        return bytes;
                    }

                    break;
            }
        }

        return bytes;
    }

    // Up to the values of the first tensor, which is the first that is aligned.
    private static int HeaderLength(byte[] whole)
    {
        var header = GgufHeader.Read(new MemorySource(whole), whole.Length);
        return (int)header.Tensors.Min(tensor => tensor.Offset);
    }
}
