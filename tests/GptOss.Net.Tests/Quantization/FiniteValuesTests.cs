using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Quantization;

public sealed class FiniteValuesTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(98)]
    public void The_first_value_that_is_not_finite_is_found_wherever_it_lies(int index)
    {
        var values = new ushort[99];
        Array.Fill(values, BitConverter.HalfToUInt16Bits(Half.MaxValue));
        FiniteValues.IndexOfOther<ushort>(values, 0x7C00).Should().Be(-1);

        foreach (var other in new[] { Half.NaN, Half.PositiveInfinity, Half.NegativeInfinity })
        {
            values[index] = BitConverter.HalfToUInt16Bits(other);
            FiniteValues.IndexOfOther<ushort>(values, 0x7C00).Should().Be(index);
        }
    }

    [Fact]
    public void No_values_are_finite()
    {
        FiniteValues.IndexOfOther<uint>([], 0x7F800000).Should().Be(-1);
    }
}
