using System.Runtime.Intrinsics;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Tests.Execution.Cpu.Kernels;

public sealed unsafe class VectorKernelTests
{
    [Fact]
    public void Exp_is_right_to_a_few_units_in_the_last_place()
    {
        for (var x = -87f; x < 88; x += 0.0137f)
        {
            var exact = Math.Exp(x);
            ((double)VectorExp.Exp(Vector512.Create(x))[0]).Should().BeApproximately(exact, exact * 4e-7);
        }
    }

    [Fact]
    public void Exp_of_extremes_is_zero_or_finite_and_of_NaN_is_NaN()
    {
        VectorExp.Exp(Vector512.Create(float.NegativeInfinity))[0].Should().Be(0);
        VectorExp.Exp(Vector512.Create(-1e30f))[0].Should().Be(0);
        float.IsFinite(VectorExp.Exp(Vector512.Create(1e30f))[0]).Should().BeTrue();
        VectorExp.Exp(Vector512.Create(float.NaN))[0].Should().Be(float.NaN);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(37)]
    [InlineData(96)]
    public void RmsNorm_is_the_scalar_formula(int size)
    {
        using var memory = new CpuMemory();
        var random = new Random(size);
        var x = memory.Allocate<float>(112);
        var scale = memory.Allocate<float>(112);
        var result = memory.Allocate<float>(112);
        for (var i = 0; i < size; i++)
        {
            (x[i], scale[i]) = ((random.NextSingle() * 4) - 2, random.NextSingle());
        }

        RmsNormKernel.Normalize(x, scale, size, 1e-5f, result);

        var meanSquare = Enumerable.Range(0, size).Average(i => (double)x[i] * x[i]);
        for (var i = 0; i < 112; i++)
        {
            ((double)result[i]).Should().BeApproximately(x[i] / Math.Sqrt(meanSquare + 1e-5) * scale[i], 1e-5);
        }
    }

    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    public void Rope_turns_the_halves_of_a_head_against_each_other(int headDim)
    {
        using var memory = new CpuMemory();
        var half = headDim / 2;
        var head = memory.Allocate<float>(headDim);
        var cosines = memory.Allocate<float>(half);
        var sines = memory.Allocate<float>(half);
        var before = Enumerable.Range(0, headDim).Select(i => head[i] = (i % 7) - 3.5f).ToArray();
        for (var i = 0; i < half; i++)
        {
            (sines[i], cosines[i]) = MathF.SinCos(1f / (i + 1));
        }

        RopeKernel.Rotate(head, half, cosines, sines);

        for (var i = 0; i < half; i++)
        {
            var (sine, cosine) = Math.SinCos(1.0 / (i + 1));
            ((double)head[i]).Should().BeApproximately((before[i] * cosine) - (before[half + i] * sine), 1e-5);
            ((double)head[half + i]).Should().BeApproximately((before[half + i] * cosine) + (before[i] * sine), 1e-5);
        }
    }

    [Theory]
    [InlineData(0.5f, 0.25f)]
    [InlineData(-3f, 2f)]
    [InlineData(9f, 8f)]
    [InlineData(-90f, -9f)]
    public void SwiGlu_cuts_the_gate_above_only_and_the_up_value_on_both_sides(float gate, float up)
    {
        var (g, u) = (Math.Min(gate, 7.0), Math.Clamp(up, -7.0, 7.0));

        var result = SwiGluKernel.Activate(Vector512.Create(gate), Vector512.Create(up), 7)[3];

        ((double)result).Should().BeApproximately(g / (1 + Math.Exp(-1.702 * g)) * (u + 1), 1e-5);
    }

    [Fact]
    public void SwiGlu_keeps_NaN()
    {
        SwiGluKernel.Activate(Vector512.Create(float.NaN), Vector512.Create(1f), 7)[0].Should().Be(float.NaN);
        SwiGluKernel.Activate(Vector512.Create(1f), Vector512.Create(float.NaN), 7)[0].Should().Be(float.NaN);
    }

    [Fact]
    public void Router_takes_the_largest_logits_and_softmaxes_them_among_themselves()
    {
        Span<int> experts = stackalloc int[3];
        Span<float> weights = stackalloc float[3];

        RouterKernel.Select([0.5f, 2, -1, 2, 1], experts, weights);

        experts.ToArray().Should().Equal(1, 3, 4);
        var sum = 2 + Math.Exp(-1);
        weights[0].Should().BeApproximately((float)(1 / sum), 1e-6f);
        weights[2].Should().BeApproximately((float)(Math.Exp(-1) / sum), 1e-6f);
    }

    [Fact]
    public void Router_picks_valid_experts_even_among_NaN()
    {
        Span<int> experts = stackalloc int[2];
        Span<float> weights = stackalloc float[2];

        RouterKernel.Select([float.NaN, float.NaN, 1], experts, weights);

        experts.ToArray().Should().OnlyHaveUniqueItems().And.OnlyContain(expert => expert >= 0 && expert < 3);
    }
}
