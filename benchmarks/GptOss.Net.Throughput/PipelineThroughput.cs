using System.CommandLine;
using System.Diagnostics;

namespace GptOss.Net.Throughput;

/// <summary>
/// What it brings that the stages of a model work at the same time: decoding on one device, on several in turns, and at once.
/// </summary>
internal sealed class PipelineThroughput
{
    private const int PromptTokens = 32;

    // Tokens that end an answer; every answer here is to have its full length.
    private static readonly int[] Ends = [199999, 200002, 200012];

    private readonly Random _random = new(1);

    public required string Checkpoint { get; init; }

    public required IReadOnlyList<DeviceId> Devices { get; init; }

    public required GptOssModelOptions Options { get; init; }

    public required int Sequences { get; init; }

    public required int NewTokens { get; init; }

    public required int Runs { get; init; }

    public static Command Command()
    {
        var checkpoint = new Argument<string>("checkpoint") { Description = "Directory of a gpt-oss checkpoint." };
        var devices = new Option<string>("--devices")
        {
            DefaultValueFactory = _ => "cuda:0,cuda:1",
            Description = "Such as cuda:0,cuda:1 or cpu,cpu.",
        };
        var precision = new Option<Precision>("--precision")
        {
            DefaultValueFactory = _ => Precision.Reference,
            Description = "How weights are held, such as Reference or ExpandedBFloat16.",
        };
        var sequences = new Option<int>("--sequences") { DefaultValueFactory = _ => 16, Description = "Sequences to decode together." };
        var tokens = new Option<int>("--tokens") { DefaultValueFactory = _ => 32, Description = "Tokens of each answer." };
        var runs = new Option<int>("--runs") { DefaultValueFactory = _ => 3, Description = "Runs; the median is reported." };
        var command = new Command("pipeline", "Decoding on one device, on several in turns, and on several at once.")
        {
            checkpoint, devices, precision, sequences, tokens, runs,
        };
        command.SetAction((result, _) => new PipelineThroughput
        {
            Checkpoint = result.GetRequiredValue(checkpoint),
            Devices = [.. result.GetRequiredValue(devices).Split(',').Select(DeviceId.Parse)],
            Options = new GptOssModelOptions
            {
                Precision = result.GetValue(precision),
                LibTorchDirectory = Environment.GetEnvironmentVariable("GPTOSS_LIBTORCH"),
                MaxSequences = result.GetValue(sequences),
                MaxModelLength = PromptTokens + result.GetValue(tokens),
            },
            Sequences = result.GetValue(sequences),
            NewTokens = result.GetValue(tokens),
            Runs = result.GetValue(runs),
        }.RunAsync());
        return command;
    }

    private async Task RunAsync()
    {
        Console.WriteLine($"tokens/s of decoding, median of {Runs} runs (least to most)");
        await MeasureAsync([Devices[0]], maxStepsInFlight: [1]);
        await MeasureAsync(Devices, maxStepsInFlight: [1, Devices.Count]);
    }

    /// <summary>Loads the model once and measures it with each of the given numbers of steps in flight.</summary>
    private async Task MeasureAsync(IReadOnlyList<DeviceId> devices, int[] maxStepsInFlight)
    {
        var options = Options with { Placement = new PlacementOptions { Devices = devices } };
        using var stages = StagedModel.Load(Checkpoint, options);
        foreach (var steps in maxStepsInFlight)
        {
            await using var model = stages.Start(steps);
            var (alone, together) = (new List<double>(), new List<double>());
            await DecodeAsync(model, Sequences);
            for (var run = 0; run < Runs; run++)
            {
                alone.Add(await DecodeAsync(model, 1));
                together.Add(await DecodeAsync(model, Sequences));
            }

            Console.WriteLine(
                $"{string.Join(", ", devices)}, {steps} steps in flight: "
                + $"1 sequence {Shown(alone)}, {Sequences} sequences {Shown(together)}");
        }
    }

    /// <summary>Tokens per second of some answers, from when each has its first token.</summary>
    private async Task<double> DecodeAsync(GptOssModel model, int sequences)
    {
        var ends = Ends.Where(id => id < model.VocabularySize).ToDictionary(id => id, _ => -100f);
        var sampling = new SamplingOptions { Temperature = 0, MaxOutputTokens = NewTokens, LogitBias = ends };
        var times = await Task.WhenAll(Enumerable.Range(0, sequences).Select(_ => TimesAsync(model, sampling)));
        var start = times.Max(answer => answer[0]);
        return times.Sum(answer => answer.Count(time => time > start))
            / Stopwatch.GetElapsedTime(start, times.Max(answer => answer[^1])).TotalSeconds;
    }

    /// <summary>When each token of an answer came.</summary>
    private async Task<List<long>> TimesAsync(GptOssModel model, SamplingOptions sampling)
    {
        int[] prompt = [.. Enumerable.Range(0, PromptTokens).Select(_ => _random.Next(model.VocabularySize))];
        var times = new List<long>();
        await foreach (var token in model.GenerateAsync(prompt, sampling))
        {
            times.Add(Stopwatch.GetTimestamp());
        }

        return times;
    }

    private static string Shown(List<double> values) => $"{Measurement.Median(values):f1} ({values.Min():f1} to {values.Max():f1})";
}
