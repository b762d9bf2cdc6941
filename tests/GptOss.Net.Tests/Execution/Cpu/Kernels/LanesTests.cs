using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Tests.Execution.Cpu.Kernels;

public sealed unsafe class LanesTests
{
    [Fact]
    public void Every_finite_half_keeps_its_value_and_sign()
    {
        var lanes = stackalloc short[16];
        for (var bits = 0; bits <= ushort.MaxValue; bits++)
        {
            var half = BitConverter.UInt16BitsToHalf((ushort)bits);
            if (Half.IsFinite(half))
            {
                new Span<short>(lanes, 16).Fill((short)bits);

                BitConverter.SingleToInt32Bits(Lanes.FromFiniteHalf(lanes)[bits % 16]).Should()
                    .Be(BitConverter.SingleToInt32Bits((float)half));
            }
        }
    }
}
