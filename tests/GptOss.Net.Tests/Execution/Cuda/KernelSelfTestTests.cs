using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Tests.Execution.Cuda.Kernels;

namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>What a device must prove at load: right kernels pass, wrong ones are told with what is wrong.</summary>
public sealed class KernelSelfTestTests
{
    [Theory]
    [InlineData(DenseFormat.Bf16, DenseFormat.Int8, ExpertFormat.Mxfp4)]
    [InlineData(DenseFormat.Int4, DenseFormat.Bf16, ExpertFormat.Int4)]
    [InlineData(DenseFormat.Int8, DenseFormat.Bf16, ExpertFormat.Bf16)]
    internal void Right_kernels_pass_in_every_format(DenseFormat attention, DenseFormat head, ExpertFormat experts)
    {
        using var bench = new KernelBench(0, Sources(attention, head, experts));

        KernelSelfTest.Run(bench.Stream, bench.Kernels, KernelBench.Odd, attention, head, experts);

        bench.Clear(); // all memory was given back
    }

    [Theory]
    [InlineData("SwiGluLimit = 7.0f", "SwiGluLimit = 0.1f", "*gate_up*differ from the host's result*")]
    [InlineData("low.values(l, s);", "low.values(l, 3 - s);", "*Head Int8*differ from the host's result*")]
    [InlineData("bf16_to_float(p.bias[row0 + row]) : 0;", "bf16_to_float(p.bias[row0 + row]) : p.tokens * 1e-5f;",
        "*Bf16 t16 of 9 tokens have other bits*")]
    public void Wrong_kernels_are_told(string right, string wrong, string fault)
    {
        var sources = Sources(DenseFormat.Bf16, DenseFormat.Int8, ExpertFormat.Mxfp4).ToArray();
        sources.Should().Contain(source => source.Text.Contains(right, StringComparison.Ordinal));
        using var bench = new KernelBench(
            0, sources.Select(source => source with { Text = source.Text.Replace(right, wrong, StringComparison.Ordinal) }));

        var test = () => KernelSelfTest.Run(
            bench.Stream, bench.Kernels, KernelBench.Odd, DenseFormat.Bf16, DenseFormat.Int8, ExpertFormat.Mxfp4);

        test.Should().Throw<CudaException>().WithMessage(fault);
        bench.Clear();
    }

    private static IEnumerable<KernelSource> Sources(DenseFormat attention, DenseFormat head, ExpertFormat experts) =>
    [
        .. DenseKernels.Sources(KernelBench.Odd, KernelBench.Ampere, attention, head),
        .. ExpertKernels.Sources(KernelBench.Odd, KernelBench.Ampere, experts),
    ];
}
