using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;

namespace GptOss.Net.Throughput.Serving;

/// <summary>Clients that ask one thing after the other, with prompts of very different lengths: more work than the model can do.</summary>
internal sealed class ClientsCommand
{
    private const int Shortest = 10;
    private const int ShortTokens = 100; // prompts up to here are called short
    private const int NewTokens = 32;

    public required string? Model { get; init; }

    public required int Clients { get; init; }

    public required int LongTokens { get; init; }

    public required double Minutes { get; init; }

    public static Command Command()
    {
        var model = ServedModel.Option();
        var clients = new Option<int>("--clients") { DefaultValueFactory = _ => 64, Description = "How many ask at once." };
        var tokens = new Option<int>("--long") { DefaultValueFactory = _ => 16_000, Description = "Tokens of the longest prompts." };
        var minutes = new Option<double>("--minutes") { DefaultValueFactory = _ => 10, Description = "How long." };
        var command = new Command("clients", "First tokens when many clients ask with prompts of very different lengths.")
        {
            model, clients, tokens, minutes,
        };
        command.SetAction((result, cancellationToken) => new ClientsCommand
        {
            Model = result.GetValue(model),
            Clients = result.GetValue(clients),
            LongTokens = result.GetValue(tokens),
            Minutes = result.GetValue(minutes),
        }.RunAsync(cancellationToken));
        return command;
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var model = await ServedModel.LoadAsync(Model, LongTokens + NewTokens + 1, maxSequences: Clients, cancellationToken);
        var answers = new ConcurrentBag<(int Prompt, TimedAnswer Answer)>();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => AskAsync(client), cancellationToken)));

        Report("short, up to 100 tokens", answers.Where(answer => answer.Prompt <= ShortTokens));
        Report("all", answers);
        var longest = answers.MaxBy(answer => answer.Answer.TimeToFirstToken);
        Console.WriteLine($"longest wait: {longest.Answer.TimeToFirstToken:F1} s for {longest.Prompt} tokens");

        // Lengths are spread evenly over magnitudes: as many prompts of 10 to 100 tokens as of 1,000 to 10,000.
        async Task AskAsync(int client)
        {
            var random = new Random(client);
            for (var i = 0; clock.Elapsed.TotalMinutes < Minutes; i++)
            {
                var length = (int)(Shortest * Math.Pow((double)LongTokens / Shortest, random.NextDouble()));
                var work = new Workload(length, 0, NewTokens, random.Next());
                answers.Add((length, await TimedAnswer.AskAsync(model, work.NextPrompt(), work.Sampling, clock, cancellationToken)));
            }
        }
    }

    private static void Report(string name, IEnumerable<(int Prompt, TimedAnswer Answer)> answers)
    {
        var list = answers.ToArray();
        Console.WriteLine(
            $"{name}: {list.Length} answers, first token p50 / p90 / p99, ms: "
            + $"{Percentiles.Of(list.Select(answer => answer.Answer.TimeToFirstToken)).Milliseconds()}");
    }
}
