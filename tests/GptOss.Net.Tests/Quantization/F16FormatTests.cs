using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Quantization;

public sealed class F16FormatTests
{
    [Fact]
    public void Values_survive_the_way_to_single_and_back()
    {
        var source = Enumerable.Range(0, 0x7C00).Select(bits => BitConverter.UInt16BitsToHalf((ushort)bits)).ToArray();
        var (values, back) = (new float[source.Length], new Half[source.Length]);

        F16Format.Decode(source, values);
        F16Format.Encode(values, back);

        back.Should().Equal(source);
    }

    [Fact]
    public void Lengths_must_match()
    {
        FluentActions.Invoking(() => F16Format.Decode(new Half[2], new float[3])).Should().Throw<ArgumentOutOfRangeException>();
    }
}
