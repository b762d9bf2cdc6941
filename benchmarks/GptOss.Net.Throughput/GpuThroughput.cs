using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using GptOss.Net.Interop;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Throughput;

/// <summary>
/// A model on a GPU as an application sees it: first tokens, decoding of one and many sequences, many requests at once, a chat.
/// </summary>
internal sealed partial class GpuThroughput
{
    private const int NewTokens = 192;

    private readonly Random _random = new(1);

    public required string Checkpoint { get; init; }

    public required GptOssModelOptions Options { get; init; }

    public required IReadOnlyList<(int Sequences, int Context)> Loads { get; init; }

    public required int Requests { get; init; }

    public required int Soak { get; init; }

    public required bool ThroughMemory { get; init; }

    public required bool RunsSeedCase { get; init; }

    public required bool IsBrief { get; init; }

    public static Command Command()
    {
        var checkpoint = new Argument<string>("checkpoint")
        {
            Description = "Directory of a gpt-oss checkpoint: benchmarks/make_checkpoint.py writes one.",
        };
        var precision = new Option<Precision>("--precision") { Description = "How weights are held, such as Int8Unembedding." };
        var sequences = new Option<int>("--sequences") { DefaultValueFactory = _ => 256, Description = "MaxSequences." };
        var requests = new Option<int>("--requests") { DefaultValueFactory = _ => 1000, Description = "Requests at once; 0: none." };
        var parallel = new Option<int>("--tensor-parallel") { DefaultValueFactory = _ => 1, Description = "2: two GPUs share layers." };
        var memory = new Option<bool>("--through-memory") { Description = "Two GPUs speak through main memory, as some have to." };
        var loads = new Option<string>("--loads")
        {
            DefaultValueFactory = _ => "1x1024,1x8192,1x32000,2x1024,8x1024,32x1024,64x1024,64x4000",
            Description = "Sequences that decode at once, times their context.",
        };
        var soak = new Option<int>("--soak") { Description = "Short requests after which the device's free memory is looked at." };
        var devices = new Option<string?>("--devices")
        {
            Description = "Such as cuda:0,cuda:1 for stages, a device for each layer, or auto. Default: cuda:0.",
        };
        var limit = new Option<double?>("--limit") { Description = "GiB that the model may use of each GPU." };
        var length = new Option<int>("--length") { DefaultValueFactory = _ => 33_000, Description = "MaxModelLength." };
        var stepTokens = new Option<int>("--step-tokens") { DefaultValueFactory = _ => 2048, Description = "MaxStepTokens." };
        var cpuThreads = new Option<int?>("--cpu-threads") { Description = "Threads of layers on the CPU. Default: the model's." };
        var seedCase = new Option<bool>("--seed-case") { Description = "512, 1,024, 2,048 tokens in, half as many out; 1 request and 16." };
        var brief = new Option<bool>("--brief") { Description = "Decoding and memory only: no first tokens, greedy answers or chat." };
        var command =
            new Command("gpu", "Speed of a model on one GPU, or on two that share its layers, through GptOssModel and IChatClient.")
            {
                checkpoint, precision, sequences, requests, parallel, memory, loads, soak, devices, limit, length, stepTokens, cpuThreads,
                seedCase, brief,
            };
        command.SetAction((result, _) => Of(result).RunAsync());
        return command;

        GpuThroughput Of(ParseResult result) => new()
        {
            Checkpoint = result.GetRequiredValue(checkpoint),
            Options = new GptOssModelOptions
            {
                Placement = Placement(result.GetValue(devices), result.GetValue(parallel), result.GetValue(limit)),
                Cpu = new CpuOptions { Threads = result.GetValue(cpuThreads) },
                Precision = result.GetValue(precision),
                LibTorchDirectory = Environment.GetEnvironmentVariable("GPTOSS_LIBTORCH"),
                MaxSequences = result.GetValue(sequences),
                MaxWaitingRequests = 4096,
                MaxModelLength = result.GetValue(length),
                MaxStepTokens = result.GetValue(stepTokens),
                LoggerFactory = LoggerFactory.Create(log => log.AddSimpleConsole(line => line.SingleLine = true)),
            },
            Loads =
                [.. result.GetValue(loads)!.Split(',').Select(load => load.Split('x')).Select(pair => (Number(pair[0]), Number(pair[1])))],
            ThroughMemory = result.GetValue(memory),
            RunsSeedCase = result.GetValue(seedCase),
            IsBrief = result.GetValue(brief),
            Requests = result.GetValue(requests),
            Soak = result.GetValue(soak),
        };

        int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
    }

    private async Task RunAsync()
    {
        AppContext.SetSwitch("GptOss.Net.AvoidPeerAccess", ThroughMemory);
        var before = DeviceInventory.Take();
        var clock = Stopwatch.StartNew();
        await using var model = await GptOssModel.LoadAsync(Checkpoint, Options);
        var devices = string.Join(", ", model.Placement.Devices.Select(device => device.Device));
        var way = ThroughMemory ? " through main memory" : "";
        Show($"loaded in {clock.Elapsed.TotalSeconds:f1} s, {Options.Precision}, {devices}{way}");
        await TimesAsync(model, 64, Greedy(NewTokens)); // The first answer runs code that is still to be compiled for speed.
        Console.WriteLine(model.Placement.ToTable());
        Show($"room for {model.Placement.CacheTokens:n0} tokens");
        if (!IsBrief)
        {
            await GreedyAsync(model);
            await FirstTokenAsync(model, 1000);
            await FirstTokenAsync(model, 2048);
        }

        foreach (var (sequences, context) in Loads)
        {
            await DecodeAsync(model, sequences, context);
        }

        if (Requests > 0)
        {
            await ManyAsync(model);
        }

        if (RunsSeedCase)
        {
            await SeedCaseAsync(model);
        }

        ShowMemory(model, before);
        if (!IsBrief)
        {
            await ChatAsync(model);
        }

        if (Soak > 0)
        {
            await SoakAsync(model);
        }
    }

    /// <summary>Short requests, one after the other's end in every place: what the device holds must not grow.</summary>
    private async Task SoakAsync(GptOssModel model)
    {
        long Free() => DeviceInventory.Take().CudaDevices[0].FreeBytes;
        var before = Free();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Soak),
            new ParallelOptions { MaxDegreeOfParallelism = model.Placement.MaxConcurrentSequences },
            async (_, _) => await TimesAsync(model, 24, new SamplingOptions { MaxOutputTokens = 8 }));
        Show($"{Soak} requests: the device's free memory went from {before:n0} to {Free():n0} bytes");
    }

    /// <summary>The time to the first token, which is the speed of the prefill too: a prompt is one step.</summary>
    private async Task FirstTokenAsync(GptOssModel model, int prompt)
    {
        var times = new List<double>();
        for (var run = 0; run < 9; run++)
        {
            var start = Stopwatch.GetTimestamp();
            await foreach (var _ in model.GenerateAsync(Tokens(model, prompt), Greedy(1)))
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        var median = Measurement.Median(times);
        Show($"first token after {prompt}: {median:f2} ms ({times.Min():f2} to {times.Max():f2}), {prompt / median * 1e3:f0} tok/s");
    }

    private async Task DecodeAsync(GptOssModel model, int sequences, int context)
    {
        var rates = new List<double>();
        for (var run = 0; run < 3; run++)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, sequences)
                .Select(_ => TimesAsync(model, context - (NewTokens / 2), Greedy(NewTokens))));
            var (start, end) = (answers.Max(times => times[8]), answers.Min(times => times[^1]));
            rates.Add(
                answers.Sum(times => times.Count(time => time > start && time <= end)) / Stopwatch.GetElapsedTime(start, end).TotalSeconds);
        }

        Show($"decode {sequences} x {context}: {Measurement.Median(rates):f0} tok/s ({rates.Min():f0} to {rates.Max():f0})");
    }

    /// <summary>Requests as a service sees them: all at once, prompts of 120 to 320 tokens, 200 tokens each.</summary>
    private async Task ManyAsync(GptOssModel model)
    {
        const int Answer = 200;
        var clock = Stopwatch.StartNew();
        var answers = await Task.WhenAll(Enumerable.Range(0, Requests)
            .Select(_ => TimesAsync(model, _random.Next(120, 321), new SamplingOptions { MaxOutputTokens = Answer })));
        var seconds = clock.Elapsed.TotalSeconds;
        Show($"{Requests} requests at once: {answers.Sum(times => times.Count) / seconds:f0} tok/s out in {seconds:f1} s");
    }

    private static async Task ChatAsync(GptOssModel model)
    {
        using IChatClient client = model.AsIChatClient();
        var rates = new List<double>();
        for (var run = 0; run < 9; run++)
        {
            var (first, last, tokens) = (0L, 0L, 0L);
            await foreach (var update
                in client.GetStreamingResponseAsync("Tell a long story.", new ChatOptions { MaxOutputTokens = 512, Seed = run }))
            {
                last = Stopwatch.GetTimestamp();
                first = first == 0 ? last : first;
                tokens += update.Contents.OfType<UsageContent>().Sum(usage => usage.Details.OutputTokenCount ?? 0);
            }

            // With random weights an answer can end with its first update.
            if (last > first)
            {
                rates.Add(tokens / Stopwatch.GetElapsedTime(first, last).TotalSeconds);
            }
        }

        Show($"chat, 1 conversation: {Measurement.Median(rates):f0} tok/s ({rates.Min():f0} to {rates.Max():f0})");
    }

    /// <summary>When each token of an answer came.</summary>
    private async Task<List<long>> TimesAsync(GptOssModel model, int prompt, SamplingOptions sampling)
    {
        var times = new List<long>();
        await foreach (var _ in model.GenerateAsync(Tokens(model, prompt), sampling))
        {
            times.Add(Stopwatch.GetTimestamp());
        }

        return times;
    }

    private static SamplingOptions Greedy(int tokens) => new() { Temperature = 0, MaxOutputTokens = tokens };

    private int[] Tokens(GptOssModel model, int count)
    {
        lock (_random)
        {
            return [.. Enumerable.Range(0, count).Select(_ => _random.Next(model.VocabularySize - 2000))];
        }
    }

    private static void Show(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
