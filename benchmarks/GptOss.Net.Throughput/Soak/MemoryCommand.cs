using System.CommandLine;
using System.Diagnostics;
using System.Globalization;

namespace GptOss.Net.Throughput.Soak;

/// <summary>Serves random requests with a real model on the CPU, and compares what is resident with what was planned.</summary>
internal sealed class MemoryCommand(GptOssModel model, int clients, int longest, int seed)
{
    private const double Mebibyte = 1 << 20;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private long _requests;

    public static Command Command()
    {
        var directory = new Argument<string?>("checkpoint")
        {
            Description = "A checkpoint directory. Default: the demonstration model.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var minutes = new Option<double>("--minutes") { DefaultValueFactory = _ => 30, Description = "How long to run." };
        var length = new Option<int>("--length") { DefaultValueFactory = _ => 4_096, Description = "The longest context." };
        var clients = new Option<int>("--clients") { DefaultValueFactory = _ => 8, Description = "Requests at once." };
        var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1, Description = "Decides which requests are made." };
        var command = new Command("memory", "Serves random requests on the CPU: does resident memory stay within the plan?")
        {
            directory, minutes, length, clients, seed,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var before = ResidentBytes();
            var (longest, count) = (result.GetValue(length), result.GetValue(clients));
            var options = new GptOssModelOptions
            {
                MaxModelLength = longest,
                MaxSequences = count,
                Placement = new PlacementOptions { Devices = [DeviceId.Cpu] },
            };
            var path = result.GetValue(directory) ?? await DemoModel.DemoCheckpoint.ExtractAsync(cancellationToken: cancellationToken);
            await using var model = await GptOssModel.LoadAsync(path, options, progress: null, cancellationToken);
            Console.WriteLine(model.Placement);
            Console.WriteLine($"before loading {before / Mebibyte:F0} MiB are resident");
            return await new MemoryCommand(model, count, longest, result.GetValue(seed)).RunAsync(
                TimeSpan.FromMinutes(result.GetValue(minutes)));
        });
        return command;
    }

    /// <returns>0 when resident memory never exceeded the plan by more than 3 %.</returns>
    private async Task<int> RunAsync(TimeSpan duration)
    {
        using var ending = new CancellationTokenSource(duration);
        var planned = model.Placement.Devices.Sum(device => device.TotalBytes);
        var tasks = Enumerable.Range(0, clients).Select(client => ServeAsync(new Random(seed + client), ending.Token)).ToArray();
        var clock = Stopwatch.StartNew();
        var most = 0L;
        Console.WriteLine(
            $"{"minute",6} {"requests",9} {"resident MiB",13} {"plan MiB",9} {"of it",6} {"cache used",11} {"resident",9} {"planned",8}");
        while (!ending.IsCancellationRequested)
        {
            await Task.Delay(Interval, ending.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            var (resident, cache) = (ResidentBytes(), model.GetMemoryReport()[0]);
            most = Math.Max(most, resident);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{clock.Elapsed.TotalMinutes,6:F1} {Volatile.Read(ref _requests),9:N0} {resident / Mebibyte,13:F0} "
                + $"{planned / Mebibyte,9:F0} {resident / (double)planned,6:P0} {cache.KVBytesUsed / Mebibyte,11:F0} "
                + $"{cache.KVBytesResident / Mebibyte,9:F0} {cache.KVBytes / Mebibyte,8:F0}"));
        }

        await Task.WhenAll(tasks);
        Console.WriteLine($"most: {most / (double)planned:P1} of the plan, {(most - planned) / Mebibyte:F0} MiB beyond it");
        return most <= 1.03 * planned ? 0 : 1;
    }

    /// <summary>Random prompts, half of which continue one of a few beginnings; some answers are abandoned.</summary>
    private async Task ServeAsync(Random random, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var beginning = new Random(random.Next(2) == 0 ? random.Next(20) : random.Next());
            var prompt = Enumerable.Range(0, random.Next(1, longest * 3 / 4)).Select(_ => beginning.Next(model.VocabularySize)).ToArray();
            var sampling = new SamplingOptions { MaxOutputTokens = random.Next(1, longest / 8), Temperature = 1, StopTokenIds = [] };
            var stop = random.Next(4) == 0 ? random.Next(1, 20) : int.MaxValue;
            try
            {
                await foreach (var _ in model.GenerateAsync(prompt, sampling, cancellationToken: cancellationToken))
                {
                    if (--stop == 0)
                    {
                        break;
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // The time is over.
            }

            Interlocked.Increment(ref _requests);
        }
    }

    private static long ResidentBytes()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
