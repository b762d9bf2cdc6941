using GptOss.Net.Execution.Cpu;
using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Tests.Execution.Cpu.Kernels;

public sealed unsafe class MatrixKernelTests
{
    private static readonly CpuWeightFormat[] Formats =
        [CpuWeightFormat.Mxfp4, CpuWeightFormat.Int4, CpuWeightFormat.Int8, CpuWeightFormat.Bf16, CpuWeightFormat.Float32];

    /// <summary>Each format of weights with float32 activations, and with those that it is fastest with.</summary>
    public static TheoryData<string, bool> Forms
    {
        get
        {
            var forms = new TheoryData<string, bool>();
            foreach (var format in Formats)
            {
                forms.Add(format.ToString()!, false);
                forms.Add(format.ToString()!, true);
            }

            return forms;
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Results_are_those_of_scalar_sums_over_the_decoded_values(string weights, bool fast)
    {
        var (stored, format) = Form(weights, fast);
        foreach (var (rows, blocks, count) in new[] { (1, 1, 1), (16, 1, 2), (17, 3, 5), (72, 2, 1), (33, 7, 35) })
        {
            using var sample = new MatrixSample(stored, rows, blocks * 32, seed: rows);
            var inputs = Inputs(sample, count);
            var encoded = sample.Encode(format, inputs);

            var results = sample.Multiply(format, encoded, count);

            for (var i = 0; i < count; i++)
            {
                AssertClose(sample, format, encoded[i], results[i]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_row_of_activations_has_the_same_result_alone_and_among_others(string weights, bool fast)
    {
        var (stored, format) = Form(weights, fast);
        using var sample = new MatrixSample(stored, rows: 33, columns: 96, seed: 5);
        var encoded = sample.Encode(format, Inputs(sample, count: 11));

        var together = sample.Multiply(format, encoded, count: 11);

        for (var i = 0; i < 11; i++)
        {
            sample.Multiply(format, encoded + i, count: 1)[0].Should().Equal(together[i]);
        }
    }

    [Theory]
    [InlineData("Int8")]
    [InlineData("Bf16")]
    [InlineData("Float32")]
    [InlineData("Int4")]
    public void Columns_that_do_not_fill_a_block_count_as_zeros(string weights)
    {
        using var memory = new CpuMemory();
        var matrix = new CpuMatrix(memory, Form(weights, fast: false).Weights, rows: 19, columns: 37);
        var row = new float[64];
        Array.Fill(row, 1, 0, 37);
        matrix.PackRow(0, groupRow: 18, row);
        var input = memory.Allocate<float>(64);
        new Span<float>(input, 64).Fill(1);
        var rows = (byte**)memory.Allocate<nint>(1);
        rows[0] = (byte*)input;
        var sums = memory.Allocate<float>(32);

        matrix.Multiply(ActivationFormat.Float32, 0, rows, 1, sums);

        sums[18].Should().BeApproximately(37, 0.1f);
        sums[19].Should().Be(0);
    }

    [Fact]
    public void Int8_weights_are_off_by_at_most_half_a_step()
    {
        using var sample = new MatrixSample(CpuWeightFormat.Int8, rows: 20, columns: 64, seed: 1);
        using var exact = new MatrixSample(CpuWeightFormat.Bf16, rows: 20, columns: 64, seed: 1);

        for (var i = 0; i < sample.Values.Length; i++)
        {
            var block = exact.Values.AsSpan(i / 32 * 32, 32);
            var largest = MathF.Max(block.ToArray().Max(), -block.ToArray().Min());
            Math.Abs(sample.Values[i] - exact.Values[i]).Should().BeLessThanOrEqualTo(largest / 127 * 1.01f / 2);
        }
    }

    private static (CpuWeightFormat Weights, ActivationFormat Activations) Form(string weights, bool fast)
    {
        var format = Formats.Single(candidate => candidate.ToString() == weights);
        return (format, fast ? format.FastInput : ActivationFormat.Float32);
    }

    private static float[][] Inputs(MatrixSample sample, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, sample.Columns).Select(_ => sample.NextGaussian()).ToArray())];

    private static void AssertClose(MatrixSample sample, ActivationFormat format, byte* input, float[] results)
    {
        for (var row = 0; row < sample.Rows; row++)
        {
            var (sum, magnitude) = (0.0, 0.0);
            for (var column = 0; column < sample.Columns; column++)
            {
                var product = sample.Values[(row * sample.Columns) + column] * MatrixSample.Decoded(format, input, column);
                sum += product;
                magnitude += Math.Abs(product);
            }

            ((double)results[row]).Should().BeApproximately(sum, (1e-6 * magnitude) + 1e-12);
        }
    }
}
