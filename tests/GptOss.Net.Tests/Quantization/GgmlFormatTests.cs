using System.Runtime.InteropServices;
using System.Text.Json;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Quantization;

public sealed class GgmlFormatTests
{
    public static TheoryData<string> Types =>
        [.. Blocks().RootElement.EnumerateArray().Select(entry => entry.GetProperty("type").GetString()!)];

    /// <summary>The values are those that ggml's own functions give for the same blocks (TestData/README.md).</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void Blocks_decode_to_the_values_of_ggml(string name)
    {
        var type = Enum.Parse<GgmlType>(name);
        using var document = Blocks();
        var entry = document.RootElement.EnumerateArray().Single(entry => entry.GetProperty("type").GetString() == name);
        var blocks = entry.GetProperty("blocks").GetBytesFromBase64();
        var expected = MemoryMarshal.Cast<byte, float>(entry.GetProperty("values").GetBytesFromBase64()).ToArray();

        var values = new float[expected.Length];
        for (var i = 0; i < expected.Length / type.BlockValues(); i++)
        {
            GgmlFormat.Decode(
                type, blocks.AsSpan(i * type.BlockBytes(), type.BlockBytes()), values.AsSpan(i * type.BlockValues(), type.BlockValues()));
        }

        // ggml fuses some products and sums: the last bit may differ.
        values.Should().HaveSameCount(expected);
        for (var i = 0; i < values.Length; i++)
        {
            values[i].Should().BeApproximately(expected[i], 1e-6f * MathF.Max(1, MathF.Abs(expected[i])), $"of value {i}");
        }
    }

    [Fact]
    public void Every_type_is_compared() =>
        Types.Select(row => row.Data).Should().BeEquivalentTo(
            Enum.GetValues<GgmlType>().Where(type => !type.IsPlain() && type != GgmlType.OllamaMxfp4).Select(type => type.ToString()));

    private static JsonDocument Blocks() =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "TestData", "gguf", "blocks.json")));
}
