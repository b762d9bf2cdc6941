using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using GptOss.Net.Interop;

namespace GptOss.Net.Throughput;

/// <summary>
/// What is asked of several cards: where the model lies, the same tokens, memory as planned, and the recipe for two 24 GB cards.
/// </summary>
internal sealed partial class GpuThroughput
{
    // The recipe for two 24 GB cards that this library is to replace: tokens in and out.
    private static readonly (int Prompt, int Answer)[] SeedCase = [(512, 256), (1024, 512), (2048, 1024)];

    private static PlacementOptions Placement(string? devices, int tensorParallel, double? limit)
    {
        DeviceId[] ids = devices is null ? [.. Enumerable.Range(0, tensorParallel).Select(DeviceId.Cuda)]
            : devices == "auto" ? []
            : [.. devices.Split(',').Select(DeviceId.Parse)];
        var limits = Enumerable.Range(0, limit is null ? 0 : DeviceInventory.Take().CudaDevices.Count)
            .ToDictionary(DeviceId.Cuda, _ => (long)(limit!.Value * (1L << 30)));
        return new PlacementOptions
        {
            Devices = ids.Length is > 0 and < 24 ? ids : null,
            LayerDevices = ids.Length >= 24 ? ids : null,
            TensorParallel = tensorParallel,
            MemoryLimits = limits,
        };
    }

    /// <summary>Greedy answers to fixed prompts, alone and together, in one number: the same on any number of cards.</summary>
    private static async Task GreedyAsync(GptOssModel model)
    {
        async Task<int[]> AnswerAsync(int seed)
        {
            var random = new Random(seed);
            int[] prompt = [.. Enumerable.Range(0, 40 + (60 * seed)).Select(_ => random.Next(model.VocabularySize - 2000))];
            var answer = new List<int>();
            await foreach (var token in model.GenerateAsync(prompt, Greedy(64)))
            {
                answer.Add(token.Id);
            }

            return [.. answer];
        }

        var alone = new List<int>();
        for (var seed = 0; seed < 6; seed++)
        {
            alone.AddRange(await AnswerAsync(seed));
        }

        var together = (await Task.WhenAll(Enumerable.Range(0, 6).Select(AnswerAsync))).SelectMany(answer => answer);
        var hash = Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(alone.ToArray().AsSpan())))[..16];
        Show($"greedy tokens {hash}, {(alone.SequenceEqual(together) ? "the same" : "OTHERS")} together");
    }

    /// <summary>First token and tokens per second, one request at a time, then 16 at once.</summary>
    private async Task SeedCaseAsync(GptOssModel model)
    {
        foreach (var (prompt, answer) in SeedCase)
        {
            foreach (var together in (int[])[1, 16])
            {
                var (firsts, rates) = (new List<double>(), new List<double>());
                for (var run = 0; run < 3; run++)
                {
                    var start = Stopwatch.GetTimestamp();
                    var answers = await Task.WhenAll(Enumerable.Range(0, together).Select(_ => TimesAsync(model, prompt, Greedy(answer))));
                    firsts.AddRange(answers.Select(times => Stopwatch.GetElapsedTime(start, times[0]).TotalMilliseconds));
                    rates.Add(
                        answers.Sum(times => times.Count) / Stopwatch.GetElapsedTime(start, answers.Max(times => times[^1])).TotalSeconds);
                }

                var (first, rate) = (Measurement.Median(firsts), Measurement.Median(rates));
                Show($"{together} x {prompt} in, {answer} out: first token {first:f1} ms, {rate:f0} tok/s with it");
            }
        }
    }

    private static void ShowMemory(GptOssModel model, DeviceInventory before)
    {
        var now = DeviceInventory.Take();
        foreach (var device in model.Placement.Devices.Where(device => device.Device.IsCuda))
        {
            var used = before.CudaDevices[device.Device.Index].FreeBytes - now.CudaDevices[device.Device.Index].FreeBytes;
            var (planned, share) = (device.TotalBytes / 1e9, (double)used / device.TotalBytes);
            Show($"{device.Device}: planned {planned:f2} GB, used {used / 1e9:f2} GB ({share:p1})");
        }
    }
}
