using System.CommandLine;
using System.Diagnostics;

namespace GptOss.Net.Throughput;

/// <summary>How long a checkpoint takes to load and what it takes in memory, generating included.</summary>
internal static class LoadBenchmark
{
    private const double Gibibyte = 1L << 30;

    public static Command Command()
    {
        var directory = new Argument<string>("checkpoint") { Description = "A checkpoint directory." };
        var precision = new Option<Precision>("--precision") { Description = "How weights are held, such as AsStored or Reference." };
        var tokens = new Option<int>("--tokens") { Description = "Tokens to generate.", DefaultValueFactory = _ => 8 };
        var repackCache = new Option<string?>("--repack-cache")
        {
            Description = "A folder: keep repacked weights there, and map them if they are.",
        };
        var command =
            new Command("load", "Loads a checkpoint and generates: seconds, and peak resident memory beside the size of the files.")
            {
                directory, precision, tokens, repackCache,
            };
        command.SetAction((result, cancellationToken) => RunAsync(
            result.GetRequiredValue(directory),
            new GptOssModelOptions
            {
                Precision = result.GetValue(precision),
                MaxModelLength = 4096,
                MaxSequences = 1,
                RepackCache = result.GetValue(repackCache) is not null,
                RepackCacheDirectory = result.GetValue(repackCache),
            },
            result.GetValue(tokens),
            cancellationToken));
        return command;
    }

    private static async Task RunAsync(string directory, GptOssModelOptions options, int tokenCount, CancellationToken cancellationToken)
    {
        var size = Directory.EnumerateFiles(directory, "*.safetensors").Sum(file => new FileInfo(file).Length);
        var clock = Stopwatch.StartNew();
        await using var model = await GptOssModel.LoadAsync(directory, options, progress: null, cancellationToken);
        var loaded = clock.Elapsed;
        var loadedPeak = PeakResidentBytes();
        Console.WriteLine(model.Placement);
        var sinceStart = TimeSpan.Zero;

        clock.Restart();
        TimeSpan first = default;
        var sampling = new SamplingOptions { Temperature = 0, MaxOutputTokens = tokenCount };
        var generated = 0;
        await foreach (var token in model.GenerateAsync([.. Enumerable.Range(1, 32)], sampling, cancellationToken: cancellationToken))
        {
            if (generated++ == 0)
            {
                (first, sinceStart) = (clock.Elapsed, DateTime.Now - Process.GetCurrentProcess().StartTime);
            }
        }

        var peak = PeakResidentBytes();
        Console.WriteLine($"checkpoint          {size / Gibibyte,8:F2} GiB");
        Console.WriteLine($"loaded in           {loaded.TotalSeconds,8:F1} s");
        Console.WriteLine($"peak after loading  {loadedPeak / Gibibyte,8:F2} GiB resident");
        Console.WriteLine($"peak                {peak / Gibibyte,8:F2} GiB resident, checkpoint + {(peak - size) / Gibibyte:F2} GiB");
        Console.WriteLine($"mapped              {model.GetMemoryReport()[0].MappedWeightBytes / Gibibyte,8:F2} GiB of weights");
        Console.WriteLine($"32 tokens of prompt {first.TotalSeconds,8:F2} s");
        Console.WriteLine($"first token         {sinceStart.TotalSeconds,8:F2} s after the process began");
        Console.WriteLine($"decode              {(generated - 1) / (clock.Elapsed - first).TotalSeconds,8:F2} tokens/s");
    }

    private static long PeakResidentBytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
