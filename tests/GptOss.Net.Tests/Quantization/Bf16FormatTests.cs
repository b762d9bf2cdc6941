using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Quantization;

public sealed class Bf16FormatTests
{
    [Theory]
    [InlineData(0x3F80, 1f)]
    [InlineData(0xC000, -2f)]
    [InlineData(0x4049, 3.140625f)]
    [InlineData(0x7F80, float.PositiveInfinity)]
    [InlineData(0x0001, 9.1835e-41f)]
    public void Bits_have_their_values(int bits, float value)
    {
        Bf16Format.ToSingle((ushort)bits).Should().Be(value);
        Bf16Format.FromSingle(value).Should().Be((ushort)bits);
    }

    [Theory]
    [InlineData(0x3F808000u, 0x3F80)]
    [InlineData(0x3F818000u, 0x3F82)]
    [InlineData(0x3F808001u, 0x3F81)]
    [InlineData(0x3F80FFFFu, 0x3F81)]
    [InlineData(0x7F7FFFFFu, 0x7F80)]
    public void Rounding_is_to_nearest_ties_to_even(uint bits, int expected)
    {
        Bf16Format.FromSingle(BitConverter.UInt32BitsToSingle(bits)).Should().Be((ushort)expected);
    }

    [Theory]
    [InlineData(0x7FC00000u)]
    [InlineData(0x7F800001u)]
    [InlineData(0xFFFFFFFFu)]
    public void NaN_stays_NaN(uint bits)
    {
        Bf16Format.ToSingle(Bf16Format.FromSingle(BitConverter.UInt32BitsToSingle(bits))).Should().Be(float.NaN);
    }

    [Fact]
    public void Every_value_survives_the_way_to_single_and_back()
    {
        var bits = Enumerable.Range(0, 65_536).Select(i => (ushort)i).Where(b => !float.IsNaN(Bf16Format.ToSingle(b))).ToArray();
        var (values, back) = (new float[bits.Length], new ushort[bits.Length]);

        Bf16Format.Decode(bits, values);
        Bf16Format.Encode(values, back);

        back.AsSpan().SequenceEqual(bits).Should().BeTrue();
    }
}
