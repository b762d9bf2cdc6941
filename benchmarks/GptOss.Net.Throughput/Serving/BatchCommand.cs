using System.CommandLine;
using System.Diagnostics;

namespace GptOss.Net.Throughput.Serving;

/// <summary>Offline batches: so many prompts at once, until all are answered.</summary>
internal sealed class BatchCommand
{
    public required string? Model { get; init; }

    public required int[] Sizes { get; init; }

    public required int Runs { get; init; }

    public required Workload Workload { get; init; }

    public static Command Command()
    {
        var model = ServedModel.Option();
        var sizes = new Option<int[]>("--sizes")
        {
            DefaultValueFactory = _ => [1, 8],
            AllowMultipleArgumentsPerToken = true,
            Description = "How many prompts at once; several are compared.",
        };
        var runs =
            new Option<int>("--runs") { DefaultValueFactory = _ => 5, Description = "Runs of each size, in turns; medians are reported." };
        var prompt = new Option<int>("--prompt") { DefaultValueFactory = _ => 32, Description = "Tokens of a prompt." };
        var tokens = new Option<int>("--tokens") { DefaultValueFactory = _ => 64, Description = "Tokens of an answer." };
        var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1, Description = "Decides the prompts." };
        var command = new Command("batch", "Throughput of the whole engine when so many prompts come at once.")
        {
            model, sizes, runs, prompt, tokens, seed,
        };
        command.SetAction((result, cancellationToken) => new BatchCommand
        {
            Model = result.GetValue(model),
            Sizes = result.GetRequiredValue(sizes),
            Runs = result.GetValue(runs),
            Workload = new Workload(result.GetValue(prompt), SharedTokens: 0, result.GetValue(tokens), result.GetValue(seed)),
        }.RunAsync(cancellationToken));
        return command;
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var model = await ServedModel.LoadAsync(
            Model, Workload.PromptTokens + Workload.NewTokens, Sizes.Max(), cancellationToken);
        var rates = Sizes.ToDictionary(size => size, _ => (Decode: new List<double>(), All: new List<double>()));
        for (var run = -1; run < Runs; run++)
        {
            foreach (var size in Sizes)
            {
                var (decode, all) = Rates(await AnswerAsync(model, size, cancellationToken));
                if (run >= 0)
                {
                    // The first round is for the compiler.
                    rates[size].Decode.Add(decode);
                    rates[size].All.Add(all);
                }
            }
        }

        Report(rates);
    }

    private async Task<TimedAnswer[]> AnswerAsync(GptOssModel model, int size, CancellationToken cancellationToken)
    {
        var prompts = Enumerable.Range(0, size).Select(_ => Workload.NextPrompt()).ToArray();
        var clock = Stopwatch.StartNew();
        return await Task.WhenAll(prompts.Select(
            prompt => Task.Run(() => TimedAnswer.AskAsync(model, prompt, Workload.Sampling, clock, cancellationToken), cancellationToken)));
    }

    /// <summary>Tokens a second: of those after all had their first one, and of all from the beginning.</summary>
    private static (double Decode, double All) Rates(TimedAnswer[] answers)
    {
        var (begin, end) = (answers.Max(answer => answer.Tokens[0]), answers.Max(answer => answer.Tokens[^1]));
        var decoded = answers.Sum(answer => answer.Tokens.Count(token => token > begin));
        return (decoded / (end - begin), answers.Sum(answer => answer.Tokens.Count) / end);
    }

    private void Report(Dictionary<int, (List<double> Decode, List<double> All)> rates)
    {
        Console.WriteLine($"{Workload.PromptTokens} tokens in, {Workload.NewTokens} out; medians of {Runs} runs, least and most");
        Console.WriteLine($"{"at once",8} {"decode tok/s",13} {"",19} {"x the first",12} {"with prefill tok/s",19}");
        var first = Measurement.Median(rates[Sizes[0]].Decode);
        foreach (var size in Sizes)
        {
            var (decode, all) = rates[size];
            var median = Measurement.Median(decode);
            Console.WriteLine(
                $"{size,8} {median,13:F1} {$"({decode.Min():F1}-{decode.Max():F1})",19} {median / first,12:F2} "
                + $"{Measurement.Median(all),19:F1}");
        }
    }
}
