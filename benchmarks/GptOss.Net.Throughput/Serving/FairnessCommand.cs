using System.CommandLine;
using System.Diagnostics;

namespace GptOss.Net.Throughput.Serving;

/// <summary>A long prompt, and a short one that comes a moment later, beside streams that run all the time.</summary>
internal sealed class FairnessCommand
{
    private const int ShortTokens = 20;
    private const int StreamPrompt = 32;

    private static readonly TimeSpan Later = TimeSpan.FromMilliseconds(100);

    public required string? Model { get; init; }

    public required int LongTokens { get; init; }

    public required int Streams { get; init; }

    public required int Runs { get; init; }

    public static Command Command()
    {
        var model = ServedModel.Option();
        var tokens = new Option<int>("--long") { DefaultValueFactory = _ => 16_000, Description = "Tokens of the long prompt." };
        var streams = new Option<int>("--streams") { DefaultValueFactory = _ => 0, Description = "Generations that run meanwhile." };
        var runs = new Option<int>("--runs") { DefaultValueFactory = _ => 3, Description = "Runs; medians are reported." };
        var command = new Command("fairness", "How long a short prompt waits behind a long one, and what it costs that.")
        {
            model, tokens, streams, runs,
        };
        command.SetAction((result, cancellationToken) => new FairnessCommand
        {
            Model = result.GetValue(model),
            LongTokens = result.GetValue(tokens),
            Streams = result.GetValue(streams),
            Runs = result.GetValue(runs),
        }.RunAsync(cancellationToken));
        return command;
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var model = await ServedModel.LoadAsync(Model, LongTokens + 2_048, maxSequences: 16, cancellationToken);
        await MeasureAsync(model, 0, withShort: true, cancellationToken); // for the compiler
        var (alone, together, waits) = (new List<double>(), new List<double>(), new List<double>());
        var (gaps, longestGaps) = (new List<double>(), new List<double>());
        for (var run = 1; run <= Runs; run++)
        {
            alone.Add((await MeasureAsync(model, (2 * run) - 1, withShort: false, cancellationToken)).Long);
            var measured = await MeasureAsync(model, 2 * run, withShort: true, cancellationToken);
            together.Add(measured.Long);
            waits.Add(measured.Short);
            gaps.AddRange(measured.Gaps);
            longestGaps.Add(measured.Gaps.DefaultIfEmpty().Max());
        }

        Console.WriteLine(
            $"{LongTokens} tokens, {ShortTokens} tokens {Later.TotalMilliseconds:F0} ms later, {Streams} streams; "
            + $"medians of {Runs} runs, ms");
        Console.WriteLine($"first token of the short one {Milliseconds(waits)}, at most {1000 * waits.Max():F0}");
        Console.WriteLine($"first token of the long one {Milliseconds(together)}; without the short one {Milliseconds(alone)}");
        Console.WriteLine($"longest gap of a stream {Milliseconds(longestGaps)}, at most {1000 * longestGaps.Max():F0}");
        Console.WriteLine($"gaps p50 / p90 / p99 {Percentiles.Of(gaps).Milliseconds()}");
    }

    /// <summary>First tokens of the long and the short prompt, and from each token of the streams to the next; seconds.</summary>
    private async Task<(double Long, double Short, double[] Gaps)> MeasureAsync(
        GptOssModel model, int seed, bool withShort, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var clock = Stopwatch.StartNew();
        var streams = Enumerable.Range(0, Streams)
            .Select(i => Task.Run(() => GapsAsync(model, (1_000 * seed) + i, clock, ended.Token))).ToArray();
        await Task.Delay(Streams > 0 ? 500 : 0, cancellationToken);
        var longWork = new Workload(LongTokens, 0, 2, seed + 10_000);
        var shortWork = new Workload(ShortTokens, 0, 2, seed + 20_000);
        var longAnswer = Task.Run(
            () => TimedAnswer.AskAsync(model, longWork.NextPrompt(), longWork.Sampling, clock, cancellationToken), cancellationToken);
        var wait = 0.0;
        if (withShort)
        {
            await Task.Delay(Later, cancellationToken);
            wait =
                (await TimedAnswer.AskAsync(model, shortWork.NextPrompt(), shortWork.Sampling, clock, cancellationToken)).TimeToFirstToken;
        }

        var answer = await longAnswer;
        await ended.CancelAsync();
        return (answer.TimeToFirstToken, wait, [.. (await Task.WhenAll(streams)).SelectMany(gaps => gaps)]);
    }

    /// <summary>Generates until the long prompt is read; the first tokens, which its own prompt delays, do not count.</summary>
    private static async Task<List<double>> GapsAsync(GptOssModel model, int seed, Stopwatch clock, CancellationToken cancellationToken)
    {
        var work = new Workload(StreamPrompt, 0, 2_000, seed);
        var (gaps, last) = (new List<double>(), 0.0);
        try
        {
            await foreach (var _ in model.GenerateAsync(work.NextPrompt(), work.Sampling, cancellationToken: cancellationToken))
            {
                var now = clock.Elapsed.TotalSeconds;
                gaps.Add(now - last);
                last = now;
            }
        }
        catch (OperationCanceledException)
        {
        }

        return gaps[Math.Min(gaps.Count, 3)..];
    }

    private static string Milliseconds(List<double> seconds) => $"{1000 * Measurement.Median(seconds):F0}";
}
