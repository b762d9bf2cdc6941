using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using GptOss.Net.Execution.Cuda.Compilation;

namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>Compiles kernel texts with g++ to a library that runs them on the processor (<c>Emulation/cuda_emulation.h</c>).</summary>
internal sealed class EmulatedKernelCompiler : IKernelCompiler
{
    private static readonly string Source = Path.Combine(AppContext.BaseDirectory, "Execution", "Cuda", "Emulation");

    // Not -O0: a fixture is half a billion multiply-adds. A library has its own copy of the emulation's state.
    private static readonly string[] Options = ["-std=c++17", "-O1", "-fPIC", "-fno-gnu-unique", "-w"];

    // Classes that run side by side want the same texts.
    private static readonly ConcurrentDictionary<KernelSource, Lazy<byte[]>> Compiled = [];

    private static readonly Lazy<string?> Compiler = new(FindCompiler);
    private static readonly Lazy<(string Header, string Runtime)> Emulation = new(Prepare);

    /// <summary>One folder for all runs: the texts are most of a test's time.</summary>
    public static KernelCache Cache { get; } = new(Path.Combine(Path.GetTempPath(), "GptOss.Net-emulated-kernels"));

    public string Identity { get; } = string.Join(
        ' ', [.. Options, .. Directory.GetFiles(Source, "cuda_emulation.*").Order(StringComparer.Ordinal).Select(File.ReadAllText)]);

    /// <summary>Skips the test that calls it where there is no g++.</summary>
    public static void Require() => Assert.SkipWhen(
        Compiler.Value is null || !OperatingSystem.IsLinux() || !Environment.Is64BitProcess, "Needs g++ on Linux to emulate kernels.");

    public byte[] Compile(KernelSource source) => Compiled.GetOrAdd(source, _ => new(() => CompileAnew(source))).Value;

    private static byte[] CompileAnew(KernelSource source)
    {
        var folder = Directory.CreateTempSubdirectory("GptOss.Net-kernel-").FullName;
        try
        {
            var (text, library) = (Path.Combine(folder, $"{source.Name}.cu"), Path.Combine(folder, $"{source.Name}.so"));
            File.WriteAllText(text, source.Text);
            var (header, runtime) = Emulation.Value;
            var (code, errors) = Run([.. Options, "-shared", "-include", header, "-x", "c++", text, "-x", "none", runtime, "-o", library]);
            return code == 0
                ? File.ReadAllBytes(library)
                : throw new CudaException($"g++({source.Name})", DeviceId.Cuda(0), code, "the text has errors", errors);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The header beside its compiled form, and what all libraries have of the emulation, for all runs.</summary>
    private static (string Header, string Runtime) Prepare()
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(new EmulatedKernelCompiler().Identity)))[..16];
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"GptOss.Net-emulation-{hash}")).FullName;
        var (header, runtime) = (Path.Combine(folder, "cuda_emulation.h"), Path.Combine(folder, "cuda_emulation.o"));
        if (!File.Exists(runtime))
        {
            File.Copy(Path.Combine(Source, "cuda_emulation.h"), header, overwrite: true);
            Make($"{header}.gch", "-x", "c++-header", header);
            Make(runtime, "-c", "-include", header, Path.Combine(Source, "cuda_emulation.cpp"));
        }

        return (header, runtime);
    }

    private static void Make(string file, params string[] arguments)
    {
        var partial = $"{file}-{Guid.NewGuid():N}";
        var (code, errors) = Run([.. Options, .. arguments, "-o", partial]);
        if (code != 0)
        {
            throw new CudaException($"g++({Path.GetFileName(file)})", DeviceId.Cuda(0), code, "the text has errors", errors);
        }

        File.Move(partial, file, overwrite: true);
    }

    private static (int Code, string Errors) Run(string[] arguments)
    {
        var start = new ProcessStartInfo(Compiler.Value!, arguments) { RedirectStandardError = true, UseShellExecute = false };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, errors);
    }

    private static string? FindCompiler() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Where(folder => folder.Length > 0)
        .Select(folder => Path.Combine(folder, "g++"))
        .FirstOrDefault(File.Exists);
}
