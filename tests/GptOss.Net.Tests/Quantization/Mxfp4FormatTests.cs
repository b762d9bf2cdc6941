using CsCheck;
using GptOss.Net.Checkpoint;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Quantization;

public sealed class Mxfp4FormatTests
{
    [Fact]
    public void Low_nibble_is_the_even_value()
    {
        var blocks = new byte[16];
        blocks[0] = 0xA3;
        blocks[15] = 0x7F;

        var values = Decode(blocks, [127]);

        values[0].Should().Be(1.5f);
        values[1].Should().Be(-1);
        values[30].Should().Be(-6);
        values[31].Should().Be(6);
    }

    [Theory]
    [InlineData(127, 6f)]
    [InlineData(128, 12f)]
    [InlineData(126, 3f)]
    [InlineData(117, 6f / 1024)]
    public void Scale_is_a_power_of_two(byte scale, float expected)
    {
        Decode(Enumerable.Repeat((byte)0x77, 16).ToArray(), [scale]).Should().OnlyContain(value => value == expected);
    }

    [Theory]
    [InlineData(0, 5.877472e-39f)]
    [InlineData(254, 1.7014118e38f)]
    [InlineData(255, float.NaN)]
    public void Outermost_scales_have_their_values(byte scale, float expected)
    {
        Decode(Enumerable.Repeat((byte)0x44, 16).ToArray(), [scale])[0].Should().Be(expected * 2);
    }

    [Fact]
    public void Each_block_has_its_own_scale()
    {
        var values = Decode(Enumerable.Repeat((byte)0x22, 32).ToArray(), [127, 129]);

        values[..32].Should().OnlyContain(value => value == 1);
        values[32..].Should().OnlyContain(value => value == 4);
    }

    [Fact]
    public void Fixture_row_decodes_to_the_values_of_an_independent_decoder()
    {
        using var file = SafetensorsFile.Open(Path.Combine(Fixtures.ModelDirectory("b"), "model.safetensors"));
        var expert = file.Tensors.Single(tensor => tensor.Name == "model.layers.1.mlp.experts.gate_up_proj_blocks").Select(3);
        var scales = file.Tensors.Single(tensor => tensor.Name == "model.layers.1.mlp.experts.gate_up_proj_scales").Select(3);

        var values = Decode(Bytes(expert.Rows(7, 1)), Bytes(scales.Rows(7, 1)));

        values[..8].Should().Equal(0.0625f, -0.0625f, 0.0f, 0.125f, 0.125f, 0.1875f, 0.1875f, 0.0625f);
        values.Sum(value => (double)value).Should().BeApproximately(-0.5, 1e-9);
    }

    [Fact]
    public void Decoded_values_encode_without_loss()
    {
        Gen.Select(Gen.Byte.Array[48], Gen.Byte[3, 250].Array[3]).Sample(
            (blocks, scales) =>
            {
                var values = Decode(blocks, scales);
                var (encodedBlocks, encodedScales) = Encode(values);
                return Decode(encodedBlocks, encodedScales).AsSpan().SequenceEqual(values);
            },
            iter: LongTests.Cases(2_000, 100_000));
    }

    [Fact]
    public void Encoding_errs_by_no_more_than_the_coarsest_step()
    {
        Gen.Float[-100, 100].Array[32].Sample(
            values =>
            {
                var (blocks, scales) = Encode(values);
                var step = values.Max(MathF.Abs) / 4;
                return Decode(blocks, scales).Zip(values).All(pair => MathF.Abs(pair.First - pair.Second) <= step);
            },
            iter: LongTests.Cases(2_000, 100_000));
    }

    [Fact]
    public void Zeros_stay_zeros()
    {
        var (blocks, scales) = Encode(new float[32]);

        Decode(blocks, scales).Should().OnlyContain(value => value == 0);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Value_that_is_not_finite_is_refused(float value)
    {
        var values = new float[32];
        values[5] = value;

        FluentActions.Invoking(() => Encode(values)).Should().Throw<ArgumentException>();
    }

    [Theory]
    [InlineData(15, 1)]
    [InlineData(16, 2)]
    [InlineData(17, 1)]
    public void Lengths_that_do_not_match_are_refused(int blocks, int scales)
    {
        FluentActions.Invoking(() => Mxfp4Format.Decode(new byte[blocks], new byte[scales], new float[32]))
            .Should().Throw<ArgumentException>();
    }

    private static float[] Decode(byte[] blocks, byte[] scales)
    {
        var values = new float[scales.Length * 32];
        Mxfp4Format.Decode(blocks, scales, values);
        return values;
    }

    private static (byte[] Blocks, byte[] Scales) Encode(float[] values)
    {
        var (blocks, scales) = (new byte[values.Length / 2], new byte[values.Length / 32]);
        Mxfp4Format.Encode(values, blocks, scales);
        return (blocks, scales);
    }

    private static byte[] Bytes(CheckpointTensor tensor)
    {
        var bytes = new byte[tensor.ByteLength];
        tensor.Read(0, bytes);
        return bytes;
    }
}
