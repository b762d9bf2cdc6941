using System.Runtime.Intrinsics;
using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Tests.Execution.Cpu.Kernels;

public sealed class DotProductsTests
{
    private readonly sbyte[] _values = [.. Enumerable.Range(0, 32).Select(i => (sbyte)(i % 3 == 0 ? -127 : 127 - i))];
    private readonly Vector512<byte>[] _weights;

    public DotProductsTests()
    {
        var random = new Random(3);
        var weight = new byte[64];
        _weights = [.. Enumerable.Range(0, 8).Select(_ =>
        {
            Array.ForEach(Enumerable.Range(0, 64).ToArray(), i => weight[i] = (byte)(random.Next(3) == 0 ? 24 : random.Next(25)));
            return Vector512.Create(weight);
        })];
    }

    [Fact]
    public void The_form_of_this_machine_is_the_sum_of_32_products()
    {
        var (w, y) = (_weights, Enumerable.Range(0, 8).Select(Four).ToArray());

        var sum = DotProducts.Dot16(w[0], w[1], w[2], w[3], y[0], y[1], y[2], y[3])
            + DotProducts.Dot16(w[4], w[5], w[6], w[7], y[4], y[5], y[6], y[7]);

        Lanes(sum).Should().Equal(Scalar());
    }

    [Fact]
    public void The_plain_form_is_the_sum_of_32_products()
    {
        var sum = Vector512<int>.Zero;
        for (var i = 0; i < 8; i++)
        {
            sum += DotProducts.Dot4(_weights[i], Four(i));
        }

        Lanes(sum).Should().Equal(Scalar());
    }

    [Fact]
    public void The_plain_form_for_int16_is_that_of_this_machine()
    {
        var random = new Random(4);
        var weights = Vector512.Create([.. Enumerable.Range(0, 32).Select(_ => (short)random.Next(-127, 128))]);
        var values = Vector512.Create([.. Enumerable.Range(0, 32).Select(_ => (short)random.Next(-32767, 32768))]);

        DotProducts.Dot2Portable(weights, values).Should().Be(DotProducts.Dot2(weights, values));
    }

    private Vector512<sbyte> Four(int index) =>
        Vector512.Create([.. Enumerable.Range(0, 64).Select(i => _values[(4 * index) + (i % 4)])]);

    private static int[] Lanes(Vector512<int> sums) => [.. Enumerable.Range(0, 16).Select(i => sums[i])];

    private int[] Scalar() =>
        [.. Enumerable.Range(0, 16).Select(row => Enumerable.Range(0, 32).Sum(k => _weights[k / 4][(row * 4) + (k % 4)] * _values[k]))];
}
