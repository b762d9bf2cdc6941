using System.Diagnostics;
using GptOss.Net.Execution.Cuda.Compilation;

namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>Compiles kernel texts with g++ to a library that runs them on the processor (<c>Emulation/cuda_emulation.h</c>).</summary>
internal sealed class EmulatedKernelCompiler : IKernelCompiler
{
    private static readonly string Header = Path.Combine(AppContext.BaseDirectory, "Execution", "Cuda", "Emulation", "cuda_emulation.h");

    // Not -O0: a fixture is half a billion multiply-adds. A library has its own copy of the emulation's state.
    private static readonly string[] Options = ["-std=c++17", "-O1", "-fPIC", "-fno-gnu-unique", "-shared", "-w", "-x", "c++"];

    private static readonly Lazy<string?> Compiler = new(FindCompiler);

    /// <summary>One folder for all runs: the texts are most of a test's time.</summary>
    public static KernelCache Cache { get; } = new(Path.Combine(Path.GetTempPath(), "GptOss.Net-emulated-kernels"));

    public string Identity { get; } = $"{string.Join(' ', Options)} {File.ReadAllText(Header)}";

    /// <summary>Skips the test that calls it where there is no g++.</summary>
    public static void Require() => Assert.SkipWhen(
        Compiler.Value is null || !OperatingSystem.IsLinux() || !Environment.Is64BitProcess, "Needs g++ on Linux to emulate kernels.");

    public byte[] Compile(KernelSource source)
    {
        var folder = Directory.CreateTempSubdirectory("GptOss.Net-kernel-").FullName;
        try
        {
            var (text, library) = (Path.Combine(folder, $"{source.Name}.cu"), Path.Combine(folder, $"{source.Name}.so"));
            File.WriteAllText(text, source.Text);
            var start = new ProcessStartInfo(Compiler.Value!) { RedirectStandardError = true, UseShellExecute = false };
            foreach (var argument in (string[])[.. Options, "-include", Header, text, "-o", library])
            {
                start.ArgumentList.Add(argument);
            }

            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? File.ReadAllBytes(library)
                : throw new CudaException($"g++({source.Name})", DeviceId.Cuda(0), process.ExitCode, "the text has errors", errors);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string? FindCompiler() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Where(folder => folder.Length > 0)
        .Select(folder => Path.Combine(folder, "g++"))
        .FirstOrDefault(File.Exists);
}
