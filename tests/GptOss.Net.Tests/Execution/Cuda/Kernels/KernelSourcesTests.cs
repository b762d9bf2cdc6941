using System.Diagnostics;
using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Execution.Cuda.Kernels;

namespace GptOss.Net.Tests.Execution.Cuda.Kernels;

/// <summary>All kernels as texts.</summary>
public sealed class KernelSourcesTests
{
    // With the shape of gpt-oss-20b: what would not fit or not unroll there must show.
    private static readonly KernelSource[] Sources =
        [.. All().GroupBy(source => source.Text).Select(sources => sources.First())];

    [Fact]
    public void Every_kernel_compiles_to_PTX()
    {
        var clang = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .SelectMany(
                folder =>
                    (string[])[Path.Combine(folder, "clang++"), Path.Combine(folder, "clang++-14"), Path.Combine(folder, "clang++-19")])
            .FirstOrDefault(File.Exists);
        Assert.SkipWhen(clang is null, "Needs clang++ to compile kernels to PTX.");
        using var folder = new TemporaryDirectory();

        Parallel.ForEach(Sources, new ParallelOptions { MaxDegreeOfParallelism = 2 }, source =>
            Compile(clang!, source, folder.Path).Should().BeEmpty());
    }

    private static IEnumerable<KernelSource> All()
    {
        var shape = KernelBench.GptOss20b;
        // Others take other tiles of what Hopper takes too.
        var devices = LongTests.Enabled ? [KernelBench.Ampere, KernelBench.Ada, KernelBench.Hopper] : new[] { KernelBench.Hopper };
        foreach (var device in devices)
        {
            foreach (var dense in Enum.GetValues<DenseFormat>())
            {
                foreach (var source in DenseKernels.Sources(shape, device, dense, dense))
                {
                    yield return source;
                }
            }

            foreach (var source in Enum.GetValues<ExpertFormat>().SelectMany((format, i) => (IEnumerable<KernelSource>)
                [.. ExpertKernels.Sources(shape, device, format), .. LayeredKernels.Sources(
                    shape, device, (DenseFormat)i, (DenseFormat)i, format)]))
            {
                yield return source;
            }
        }

        foreach (var source in (IEnumerable<KernelSource>)
            [
                .. PackKernels.Sources(shape), .. ActivationKernels.Sources(shape), .. AttentionKernels.Sources(shape),
                .. SamplingKernels.Sources(shape),
            ])
        {
            yield return source;
        }
    }

    private static string Compile(string clang, KernelSource source, string folder)
    {
        var name = Path.Combine(folder, $"{source.Name}-{Guid.NewGuid():N}");
        File.WriteAllText($"{name}.cu", source.Text);
        string[] arguments =
        [
            "-x", "cuda", "--cuda-gpu-arch=sm_80", "--cuda-device-only", "-nocudainc", "-nocudalib", "-Xclang", "-target-feature",
            "-Xclang", "+ptx74",
            "-std=c++17", "-O1", "-Wno-pass-failed", "-include",
            Path.Combine(AppContext.BaseDirectory, "Execution", "Cuda", "Emulation", "clang_cuda.h"),
            "-S", $"{name}.cu", "-o", $"{name}.ptx",
        ];
        var start = new ProcessStartInfo(clang) { RedirectStandardError = true, UseShellExecute = false };
        Array.ForEach(arguments, start.ArgumentList.Add);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? "" : $"{source.Name}: {errors}";
    }
}
