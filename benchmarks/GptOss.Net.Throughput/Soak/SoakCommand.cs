using System.CommandLine;
using System.Diagnostics;

namespace GptOss.Net.Throughput.Soak;

/// <summary>Serves random requests for a long time and watches whether memory, handles or threads grow.</summary>
internal sealed class SoakCommand
{
    private const double Mebibyte = 1 << 20;
    private const double MostManagedGrowth = 1; // MiB an hour
    private const double MostResidentGrowth = 5;
    private const int BurstRequests = 48; // more than the model takes at once

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<ProcessSample> _samples = [];
    private readonly HashSet<Task> _running = [];

    public required TimeSpan Duration { get; init; }

    public required TimeSpan WarmUp { get; init; }

    public required double Rate { get; init; }

    public required TimeSpan StepTime { get; init; }

    public required int Seed { get; init; }

    public static Command Command()
    {
        var minutes = new Option<double>("--minutes") { DefaultValueFactory = _ => 60, Description = "How long to run." };
        var warmUp =
            new Option<double>("--warm-up") { DefaultValueFactory = _ => 10, Description = "Minutes that do not count for the slopes." };
        var rate = new Option<double>("--rate") { DefaultValueFactory = _ => 4, Description = "Requests a second, at random times." };
        var step = new Option<double>("--step")
        {
            DefaultValueFactory = _ => 30,
            Description = "Milliseconds that a step of the scripted model takes.",
        };
        var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1, Description = "Decides which requests are made." };
        var command =
            new Command("soak", "Serves random requests with a scripted model for a long time: do memory, handles or threads grow?")
            {
                minutes, warmUp, rate, step, seed,
            };
        command.SetAction(result => new SoakCommand
        {
            Duration = TimeSpan.FromMinutes(result.GetValue(minutes)),
            WarmUp = TimeSpan.FromMinutes(result.GetValue(warmUp)),
            Rate = result.GetValue(rate),
            StepTime = TimeSpan.FromMilliseconds(result.GetValue(step)),
            Seed = result.GetValue(seed),
        }.RunAsync());
        return command;
    }

    private async Task<int> RunAsync()
    {
        Console.WriteLine($"{"minute",6} {"requests",9} {"heap MiB",9} {"resident MiB",13} {"handles",8} {"threads",8} {"processor %",12}");
        SoakTraffic traffic;
        await using (var model = SoakModel.Create(StepTime))
        {
            traffic = new SoakTraffic(model, Seed);
            for (var minute = 1; _clock.Elapsed < Duration; minute++)
            {
                await ServeAsync(model, traffic, TimeSpan.FromMinutes(Math.Min(minute, Duration.TotalMinutes)), new Random(Seed + minute));
                Sample(traffic.Counts.Total);
            }

            Console.WriteLine(Described(model.GetStatistics()));
        }

        Console.WriteLine(traffic.Counts);
        return Verdict() && traffic.Counts.Unexpected == 0 ? 0 : 1;
    }

    /// <summary>Many requests at once, then some at random times until a time; returns when all have ended.</summary>
    private async Task ServeAsync(GptOssModel model, SoakTraffic traffic, TimeSpan end, Random random)
    {
        for (var i = 0; i < BurstRequests; i++)
        {
            _running.Add(traffic.RequestAsync());
        }

        while (_clock.Elapsed < end)
        {
            // The gaps between events that come at random are distributed exponentially.
            await Task.Delay(TimeSpan.FromSeconds(-Math.Log(1 - random.NextDouble()) / Rate));
            _running.RemoveWhere(task => task.IsCompleted);
            _running.Add(traffic.RequestAsync());
        }

        await Task.WhenAll(_running);
        _running.Clear();

        while (model.GetStatistics() is { RunningRequests: > 0 } or { WaitingRequests: > 0 })
        {
            // Sequences whose readers forgot them run to their end.
            await Task.Delay(StepTime);
        }
    }

    private void Sample(long requests)
    {
        var sample = ProcessSample.Take(_clock.Elapsed);
        var last = _samples.Count > 0 ? _samples[^1] : sample;
        var processor = (sample.ProcessorSeconds - last.ProcessorSeconds) / ((sample.Hours - last.Hours) * 3600);
        _samples.Add(sample);
        Console.WriteLine(
            $"{sample.Hours * 60,6:F1} {requests,9:N0} {sample.ManagedBytes / Mebibyte,9:F3} {sample.ResidentBytes / Mebibyte,13:F2} "
            + $"{sample.Handles,8} {sample.Threads,8} {processor * 100,12:F1}");
    }

    private static string Described(GptOssModelStatistics statistics) =>
        $"{statistics.PromptTokens:N0} tokens in, {statistics.PrefixHitRate:P0} of them cached; {statistics.GeneratedTokens:N0} out; "
        + $"{statistics.Preemptions:N0} preemptions; first token after {statistics.TimeToFirstToken.P50.TotalMilliseconds:F0} ms "
        + $"(99 %: {statistics.TimeToFirstToken.P99.TotalMilliseconds:F0} ms)";

    private bool Verdict()
    {
        var counted = _samples.Where(sample => sample.Hours > WarmUp.TotalHours).ToArray();
        if (counted.Length < 2)
        {
            Console.WriteLine("too short for slopes: the warm-up leaves fewer than two samples");
            return true;
        }

        var managed = Slope(sample => sample.ManagedBytes / Mebibyte);
        var resident = Slope(sample => sample.ResidentBytes / Mebibyte);
        Console.WriteLine($"slopes an hour after {WarmUp.TotalMinutes:F0} minutes of warm-up, {counted.Length} samples:");
        Console.WriteLine($"  managed heap {managed,8:F3} MiB (less than {MostManagedGrowth})");
        Console.WriteLine($"  resident     {resident,8:F3} MiB (less than {MostResidentGrowth})");
        Console.WriteLine($"  handles      {Slope(sample => sample.Handles),8:F3}");
        Console.WriteLine($"  threads      {Slope(sample => sample.Threads),8:F3}");
        return managed < MostManagedGrowth && resident < MostResidentGrowth;

        double Slope(Func<ProcessSample, double> value) => LinearTrend.Slope([.. counted.Select(sample => (sample.Hours, value(sample)))]);
    }
}
