using System.Text;
using GptOss.Net.Checkpoint;

namespace GptOss.Net.Tests.Checkpoint;

public sealed class SafetensorsHeaderFuzzTests
{
    // What a message, its exception and first-time initialization may take beside the 8 bytes per byte of header.
    private const long AllocationSlack = 64 * 1024;

    [Fact]
    public void Mutated_headers_parse_or_are_refused_within_eight_times_their_length()
    {
        var accepted = 0;
        var cases = LongTests.Cases(20_000, 1_000_000);
        for (var seed = 0; seed < cases; seed++)
        {
            var (header, dataLength) = new HeaderMutator(seed).Next();
            accepted += ParsesWithinBounds(header, dataLength, seed) ? 1 : 0;
        }

        // Neither everything nor nothing: the mutations reach both sides of every check.
        accepted.Should().BeInRange(cases / 50, cases * 9 / 10);
    }

    [Fact]
    public void Largest_number_of_short_entries_stays_within_eight_times_their_length()
    {
        var names = Enumerable.Range(0, SafetensorsHeader.MaxTensors).Select(i => Convert.ToString(i, 16));
        var header = SafetensorsBytes.Object([.. names.Select(name => SafetensorsBytes.Entry(name, "U8", "[0]", "[0,0]"))]);

        ParsesWithinBounds(Encoding.UTF8.GetBytes(header), 0, seed: 0).Should().BeTrue();
    }

    [Fact]
    public void Opening_a_file_of_many_tensors_stays_within_eight_times_its_header()
    {
        using var directory = new TemporaryDirectory();
        var names = Enumerable.Range(0, SafetensorsHeader.MaxTensors).Select(i => Convert.ToString(i, 16));
        var header = SafetensorsBytes.Object([.. names.Select(name => SafetensorsBytes.Entry(name, "U8", "[0]", "[0,0]"))]);
        var path = directory.Write("model.safetensors", SafetensorsBytes.File(header, 0));

        var before = GC.GetAllocatedBytesForCurrentThread();
        SafetensorsFile.Open(path).Dispose();

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan((8L * header.Length) + AllocationSlack);
    }

    private static bool ParsesWithinBounds(byte[] header, long dataLength, int seed)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        SafetensorsHeader? parsed = null;
        try
        {
            parsed = SafetensorsHeader.Parse(header, dataLength, "model.safetensors");
        }
        catch (CheckpointException)
        {
            // The only exception there may be.
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > (8L * header.Length) + AllocationSlack)
        {
            Assert.Fail($"Seed {seed}: {allocated} bytes allocated for a header of {header.Length}.");
        }

        if (parsed is not null)
        {
            CheckCoverage(parsed, dataLength, seed);
        }

        return parsed is not null;
    }

    private static void CheckCoverage(SafetensorsHeader header, long dataLength, int seed)
    {
        var position = 0L;
        foreach (var tensor in header.Tensors)
        {
            var length = tensor.Shape.Aggregate((Int128)tensor.Type.Size(), (product, dimension) => product * dimension);
            Assert.True(tensor.Begin == position && tensor.End - tensor.Begin == length, $"Seed {seed}: tensor {tensor.Name}");
            position = tensor.End;
        }

        Assert.True(position == dataLength, $"Seed {seed}");
    }
}
