using System.Runtime.InteropServices;
using CsCheck;
using GptOss.Net.Checkpoint;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Quantization;

public sealed class AwqFormatTests
{
    [Fact]
    public void Nibbles_hold_outputs_in_the_order_of_AutoAWQ()
    {
        // Nibbles from the lowest: 0, 1, … 7.
        int[] row = [0x76543210];

        Enumerable.Range(0, 8).Select(output => AwqFormat.Unpack(row, output)).Should().Equal(0, 4, 1, 5, 2, 6, 3, 7);
    }

    [Fact]
    public void Highest_nibble_is_not_sign_extended()
    {
        AwqFormat.Unpack([unchecked((int)0xF0000000)], 7).Should().Be(15);
    }

    [Fact]
    public void Orders_are_inverse()
    {
        for (var nibble = 0; nibble < 8; nibble++)
        {
            AwqFormat.NibbleOf[AwqFormat.PackOrder[nibble]].Should().Be((byte)nibble);
        }
    }

    [Fact]
    public void Value_is_the_distance_from_zero_times_the_scale()
    {
        // Two inputs, two groups of one, eight outputs.
        int[] words = [0x55555555, 0x11111111];
        int[] zeros = [0x33333333, 0x44444444];
        var scales = Enumerable.Repeat((Half)0.5f, 8).Concat(Enumerable.Repeat((Half)2, 8)).ToArray();
        var values = new float[16];

        AwqFormat.Decode(new AwqMatrix(words, zeros, scales, 2, 8, 1), values);

        values[..8].Should().OnlyContain(value => value == 1);
        values[8..].Should().OnlyContain(value => value == -6);
    }

    [Fact]
    public void Rows_are_the_transpose()
    {
        var random = new Random(1);
        var words = Enumerable.Range(0, 12).Select(_ => random.Next()).ToArray();
        var zeros = Enumerable.Range(0, 6).Select(_ => random.Next()).ToArray();
        var scales = Enumerable.Range(0, 48).Select(_ => (Half)random.NextSingle()).ToArray();
        var matrix = new AwqMatrix(words, zeros, scales, 4, 24, 2);
        var (columns, rows) = (new float[96], new float[96]);

        AwqFormat.Decode(matrix, columns);
        AwqFormat.DecodeRows(matrix, rows);

        for (var i = 0; i < 96; i++)
        {
            rows[((i % 24) * 4) + (i / 24)].Should().Be(columns[i]);
        }
    }

    [Fact]
    public void Encoding_errs_by_no_more_than_a_step_of_its_group()
    {
        Gen.Select(Gen.Int[1, 3], Gen.Int[1, 3], Gen.Int[1, 40], Gen.Int).Sample(
            (outputWords, groups, groupSize, seed) =>
            {
                var (outputs, inputs) = (outputWords * 8, groups * groupSize);
                var random = new Random(seed);
                var values = Enumerable.Range(0, inputs * outputs).Select(_ => (random.NextSingle() * 2) - 1).ToArray();
                var (words, zeros, scales) = (new int[inputs * outputWords], new int[groups * outputWords], new Half[groups * outputs]);

                AwqFormat.Encode(values, outputs, groupSize, words, zeros, scales);

                var decoded = new float[values.Length];
                AwqFormat.Decode(new AwqMatrix(words, zeros, scales, inputs, outputs, groupSize), decoded);
                return Enumerable.Range(0, values.Length).All(i =>
                    MathF.Abs(decoded[i] - values[i]) <= 1.01f * (float)scales[(i / outputs / groupSize * outputs) + (i % outputs)]);
            },
            iter: LongTests.Cases(500, 20_000));
    }

    [Fact]
    public void Fixture_decodes_to_the_values_of_an_independent_decoder()
    {
        using var file = SafetensorsFile.Open(Path.Combine(Fixtures.ModelDirectory("a-awq"), "model.safetensors"));
        const string Name = "model.layers.2.mlp.experts.5.down_proj";
        var matrix = new AwqMatrix(
            MemoryMarshal.Cast<byte, int>(Bytes(file, $"{Name}.qweight")),
            MemoryMarshal.Cast<byte, int>(Bytes(file, $"{Name}.qzeros")),
            MemoryMarshal.Cast<byte, Half>(Bytes(file, $"{Name}.scales")),
            64,
            96,
            32);
        var rows = new float[64 * 96];

        AwqFormat.DecodeRows(matrix, rows);

        rows[(17 * 64)..((17 * 64) + 6)].Should().Equal(-0.11663818f, -0.23327637f, 0.11663818f, 0.34991455f, -0.05831909f, 0.17495728f);
        rows.Sum(value => (double)value).Should().BeApproximately(16.2591552734375, 1e-9);
    }

    [Theory]
    [InlineData(4, 12, 2)]
    [InlineData(4, 8, 3)]
    [InlineData(4, 8, 0)]
    public void Sizes_that_do_not_divide_are_refused(int inputs, int outputs, int group)
    {
        FluentActions.Invoking(() => _ = new AwqMatrix(new int[4], new int[2], new Half[16], inputs, outputs, group).InputSize)
            .Should().Throw<ArgumentException>();
    }

    private static byte[] Bytes(SafetensorsFile file, string name)
    {
        var tensor = file.Tensors.Single(candidate => candidate.Name == name);
        var bytes = new byte[tensor.ByteLength];
        tensor.Read(0, bytes);
        return bytes;
    }
}
