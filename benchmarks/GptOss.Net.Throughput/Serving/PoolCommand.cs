using System.CommandLine;
using System.Diagnostics;
using DemoModel;

namespace GptOss.Net.Throughput.Serving;

/// <summary>What a model does while the application's thread pool is free, and while jobs block it; in turns.</summary>
internal sealed class PoolCommand
{
    private const int Answers = 4;
    private const int NewTokens = 500;

    private static readonly int[] Prompt = [7, 8, 9];
    private static readonly TimeSpan Deadline = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    public required string? Model { get; init; }

    public required int Jobs { get; init; }

    public required double Seconds { get; init; }

    public required int Runs { get; init; }

    public static Command Command()
    {
        var model = ServedModel.Option();
        var jobs = new Option<int>("--jobs") { DefaultValueFactory = _ => 40, Description = "Jobs that block a thread each." };
        var seconds = new Option<double>("--seconds") { DefaultValueFactory = _ => 8, Description = "How long each of them blocks." };
        var runs = new Option<int>("--runs") { DefaultValueFactory = _ => 5, Description = "Runs; medians are reported." };
        var command = new Command("pool", "A model in a process whose thread pool is blocked, against a free one.")
        {
            model, jobs, seconds, runs,
        };
        command.SetAction((result, cancellationToken) => new PoolCommand
        {
            Model = result.GetValue(model),
            Jobs = result.GetValue(jobs),
            Seconds = result.GetValue(seconds),
            Runs = result.GetValue(runs),
        }.RunAsync(cancellationToken));
        return command;
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        var directory = Model ?? await DemoCheckpoint.ExtractAsync(cancellationToken: cancellationToken);

        // The pool must not carry what measures how it is without it.
        var thread = new Thread(() => Compare(directory));
        thread.Start();
        thread.Join();
    }

    private void Compare(string directory)
    {
        Measure(directory); // for the compiler
        var (free, blocked) = (new List<Dictionary<string, double>>(), new List<Dictionary<string, double>>());
        for (var run = 0; run < Runs; run++)
        {
            free.Add(Measure(directory));
            blocked.Add(WhileBlocked(() => Measure(directory)));
        }

        Console.WriteLine($"{Jobs} jobs of {Seconds} s; medians of {Runs} runs, free and blocked");
        foreach (var name in free[0].Keys)
        {
            Console.WriteLine($"{name,-40} {Median(free, name),10:F1} {Median(blocked, name),10:F1}");
        }

        static double Median(List<Dictionary<string, double>> runs, string name) =>
            Measurement.Median(runs.Select(run => run[name]));
    }

    private T WhileBlocked<T>(Func<T> measure)
    {
        using var release = new ManualResetEventSlim();
        using var left = new CountdownEvent(Jobs);
        for (var job = 0; job < Jobs; job++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                _ =>
                {
                    release.Wait(TimeSpan.FromSeconds(Seconds));
                    left.Signal();
                },
                null);
        }

        var result = measure();
        if (left.CurrentCount == 0)
        {
            throw new InvalidOperationException($"The jobs ended before the measurement did: more than {Jobs} jobs are needed.");
        }

        release.Set();
        left.Wait();
        return result;
    }

    private static Dictionary<string, double> Measure(string directory)
    {
        var clock = Stopwatch.StartNew();
        var model = GptOssModel.LoadAsync(directory, new GptOssModelOptions { MaxModelLength = 1_024, MaxSequences = 8 })
            .GetAwaiter().GetResult();
        var figures = new Dictionary<string, double> { ["load, ms"] = clock.Elapsed.TotalMilliseconds };

        clock.Restart();
        model.ComputeLogits(Prompt, CancellationToken.None);
        figures["logits of an idle model, ms"] = clock.Elapsed.TotalMilliseconds;

        clock.Restart();
        BeginAll(model, new GenerationOptions());
        Wait(() => model.GetStatistics().RunningRequests + model.GetStatistics().WaitingRequests == 0);
        figures[$"{Answers} answers, tokens/s"] = Answers * NewTokens / clock.Elapsed.TotalSeconds;

        clock.Restart();
        BeginAll(model, new GenerationOptions { Timeout = Deadline });
        Wait(() => model.GetStatistics().FailedRequests == Answers);
        figures["past a deadline, ms"] = (clock.Elapsed - Deadline).TotalMilliseconds;

        using var cancellation = new CancellationTokenSource();
        BeginAll(model, new GenerationOptions(), cancellation.Token);
        Wait(() => model.GetStatistics().RunningRequests == Answers);
        clock.Restart();
        cancellation.Cancel();
        Wait(() => model.GetStatistics().CancelledRequests == Answers);
        figures["cancellation, ms"] = clock.Elapsed.TotalMilliseconds;

        BeginAll(model, new GenerationOptions());
        Wait(() => model.GetStatistics().RunningRequests == Answers);
        clock.Restart();
        model.Dispose();
        figures["Dispose beside answers, ms"] = clock.Elapsed.TotalMilliseconds;
        return figures;
    }

    /// <summary>Submits requests; what their readers do next is the pool's business.</summary>
    private static void BeginAll(GptOssModel model, GenerationOptions generation, CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < Answers; i++)
        {
            _ = model.GenerateAsync(Prompt, new Workload(0, 0, NewTokens, i).Sampling, generation, cancellationToken)
                .GetAsyncEnumerator(CancellationToken.None).MoveNextAsync().AsTask();
        }
    }

    private static void Wait(Func<bool> condition)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Thread.Sleep(1);
            if (clock.Elapsed > Longest)
            {
                throw new TimeoutException($"It did not happen within {Longest}.");
            }
        }
    }
}
