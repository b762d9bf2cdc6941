using System.CommandLine;
using System.Diagnostics;

namespace GptOss.Net.Throughput.Serving;

/// <summary>Requests that come at random times, at rising rates: how long users wait.</summary>
internal sealed class RatesCommand
{
    public required string? Model { get; init; }

    public required double[] Rates { get; init; }

    public required int Requests { get; init; }

    public required int MaxSequences { get; init; }

    public required Workload Workload { get; init; }

    public required double FirstTokenLimit { get; init; }

    public required double TokenLimit { get; init; }

    public static Command Command()
    {
        var model = ServedModel.Option();
        var rates = new Option<double[]>("--rates")
        {
            DefaultValueFactory = _ => [1, 2, 4],
            AllowMultipleArgumentsPerToken = true,
            Description = "Requests a second, one measurement each.",
        };
        var requests = new Option<int>("--requests") { DefaultValueFactory = _ => 100, Description = "Requests of each measurement." };
        var sequences =
            new Option<int>("--sequences") { DefaultValueFactory = _ => 64, Description = "Requests that are computed at once." };
        var prompt = new Option<int>("--prompt") { DefaultValueFactory = _ => 128, Description = "Tokens of a prompt." };
        var shared = new Option<int>("--shared") { DefaultValueFactory = _ => 0, Description = "Tokens with which all prompts begin." };
        var tokens = new Option<int>("--tokens") { DefaultValueFactory = _ => 64, Description = "Tokens of an answer." };
        var first = new Option<double>("--first-token")
        {
            DefaultValueFactory = _ => 1_000,
            Description = "Milliseconds to the first token that count as good.",
        };
        var between = new Option<double>("--token")
        {
            DefaultValueFactory = _ => 100,
            Description = "Mean milliseconds of a later token that count as good.",
        };
        var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1, Description = "Decides the prompts and when they come." };
        var command = new Command("rates", "Latencies of the whole engine when requests come at random times, at several rates.")
        {
            model, rates, requests, sequences, prompt, shared, tokens, first, between, seed,
        };
        command.SetAction((result, cancellationToken) => new RatesCommand
        {
            Model = result.GetValue(model),
            Rates = result.GetRequiredValue(rates),
            Requests = result.GetValue(requests),
            MaxSequences = result.GetValue(sequences),
            Workload = new Workload(result.GetValue(prompt), result.GetValue(shared), result.GetValue(tokens), result.GetValue(seed)),
            FirstTokenLimit = result.GetValue(first) / 1000,
            TokenLimit = result.GetValue(between) / 1000,
        }.RunAsync(cancellationToken));
        return command;
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var model = await ServedModel.LoadAsync(
            Model, Workload.PromptTokens + Workload.NewTokens, MaxSequences, cancellationToken);
        await MeasureAsync(model, Rates.Max(), Math.Min(Requests, 20), cancellationToken); // for the compiler
        Console.WriteLine(
            $"{Workload.PromptTokens} tokens in ({Workload.SharedTokens} shared), {Workload.NewTokens} out; "
            + $"{Requests} requests a rate; good: first token within {FirstTokenLimit * 1000:F0} ms, "
            + $"later ones within {TokenLimit * 1000:F0} ms on average");
        Console.WriteLine($"{"",8} {"",8} {"first token, ms",23} {"between tokens, ms",23} {"",8}");
        Console.WriteLine($"{"req/s",8} {"tok/s",8} {"p50",7} {"p90",7} {"p99",7} {"p50",7} {"p90",7} {"p99",7} {"good/s",8}");
        foreach (var rate in Rates)
        {
            Report(rate, await MeasureAsync(model, rate, Requests, cancellationToken));
        }
    }

    private async Task<TimedAnswer[]> MeasureAsync(GptOssModel model, double rate, int requests, CancellationToken cancellationToken)
    {
        var random = new Random(Workload.Seed);
        var answers = new List<Task<TimedAnswer>>();
        var clock = Stopwatch.StartNew();
        var due = 0.0;
        for (var i = 0; i < requests; i++)
        {
            // The gaps between events that come at random are distributed exponentially. Late wake-ups do not add up.
            due += -Math.Log(1 - random.NextDouble()) / rate;
            var wait = due - clock.Elapsed.TotalSeconds;
            if (wait > 0)
            {
                await Task.Delay(TimeSpan.FromSeconds(wait), cancellationToken);
            }

            var prompt = Workload.NextPrompt();
            answers.Add(
                Task.Run(() => TimedAnswer.AskAsync(model, prompt, Workload.Sampling, clock, cancellationToken), cancellationToken));
        }

        return await Task.WhenAll(answers);
    }

    private void Report(double rate, TimedAnswer[] answers)
    {
        var seconds = answers.Max(answer => answer.Tokens[^1]);
        var good = answers.Count(answer => answer.TimeToFirstToken <= FirstTokenLimit && answer.TimePerOutputToken <= TokenLimit);
        Console.WriteLine(
            $"{rate,8:F2} {answers.Sum(answer => answer.Tokens.Count) / seconds,8:F1} "
            + $"{Percentiles.Of(answers.Select(answer => answer.TimeToFirstToken)).Milliseconds()} "
            + $"{Percentiles.Of(answers.SelectMany(answer => answer.TimesBetweenTokens)).Milliseconds()} {good / seconds,8:F2}");
    }
}
