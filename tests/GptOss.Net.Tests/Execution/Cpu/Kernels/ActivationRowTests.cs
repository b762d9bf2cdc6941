using GptOss.Net.Execution.Cpu;
using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Tests.Execution.Cpu.Kernels;

public sealed unsafe class ActivationRowTests
{
    [Theory]
    [InlineData(ActivationFormat.Int8, 127)]
    [InlineData(ActivationFormat.Int16, 32767)]
    internal void Each_value_is_off_by_at_most_half_a_step_of_its_block(ActivationFormat format, int steps)
    {
        using var sample = new MatrixSample(CpuWeightFormat.Float32, rows: 1, columns: 96, seed: 2);
        var values = Enumerable.Range(0, 96).Select(i => sample.NextGaussian() * (i < 32 ? 1000 : 1)).ToArray();

        var row = sample.Encode(format, [values])[0];

        for (var i = 0; i < values.Length; i++)
        {
            var largest = values.Skip(i / 32 * 32).Take(32).Max(Math.Abs);
            MatrixSample.Decoded(format, row, i).Should().BeApproximately(values[i], largest / steps * 0.501);
        }
    }

    [Fact]
    public void Int8_blocks_keep_the_sum_of_their_codes()
    {
        using var sample = new MatrixSample(CpuWeightFormat.Float32, rows: 1, columns: 64, seed: 3);
        var row = sample.Encode(ActivationFormat.Int8, [[.. Enumerable.Range(0, 64).Select(_ => sample.NextGaussian())]])[0];

        for (var block = 0; block < 2; block++, row += ActivationRow.Int8Bytes)
        {
            var sum = Enumerable.Range(0, 32).Sum(i => ((sbyte*)row)[i]);
            (*(int*)(row + ActivationRow.SumOfInt8)).Should().Be(sum);
        }
    }

    [Theory]
    [InlineData(ActivationFormat.Int8, float.NaN)]
    [InlineData(ActivationFormat.Int16, float.NaN)]
    [InlineData(ActivationFormat.Int8, float.NegativeInfinity)]
    [InlineData(ActivationFormat.Int16, float.PositiveInfinity)]
    internal void A_value_that_is_not_finite_is_not_lost(ActivationFormat format, float value)
    {
        using var sample = new MatrixSample(CpuWeightFormat.Int8, rows: 1, columns: 32, seed: 3);
        var values = new float[32];
        values[7] = value;
        var row = sample.Encode(format, [values])[0];

        Enumerable.Range(0, 32).Should().Contain(i => !double.IsFinite(MatrixSample.Decoded(format, row, i)));
    }

    [Fact]
    public void Rows_lie_an_odd_number_of_cache_lines_apart()
    {
        foreach (var format in Enum.GetValues<ActivationFormat>())
        {
            foreach (var blocks in new[] { 1, 2, 3, 90, 128 })
            {
                var stride = ActivationRow.Stride(format, blocks);
                (stride % 128).Should().Be(64);
                stride.Should().BeGreaterThanOrEqualTo(blocks * ActivationRow.BlockBytes(format));
            }
        }
    }
}
