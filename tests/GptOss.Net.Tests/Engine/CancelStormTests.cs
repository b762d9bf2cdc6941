using System.Diagnostics;

namespace GptOss.Net.Tests.Engine;

/// <summary>Many requests that end at any moment, beside others that must not notice; on real kernels.</summary>
[Collection(TensorCounts.Name)] // Alone in the process: threads and handles are counted.
public sealed class CancelStormTests
{
    private const int Requests = 10_000;
    private const int Clients = 48;

    [Fact]
    public async Task Cancelled_requests_leave_nothing_behind_and_disturb_no_one()
    {
        using var alone = ComputedModel.CreateAlone();
        var model = ComputedModel.Create(new(600, 600), maxStepTokens: 64);
        await Storm(model, alone, LongTests.Cases(500, 5_000), seed: 1); // Until buffers and pools of threads have grown.
        var before = Resources();

        var outcomes = await Storm(model, alone, LongTests.Cases(Requests, 10 * Requests), seed: 2);

        var after = Resources();
        model.Dispose();
        model.Cache.Usage.Fraction.Should().Be(0);
        outcomes.Cancelled.Should().BeGreaterThan(
            (outcomes.Cancelled + outcomes.Finished) / 4, "every second one leaves or is cancelled after some tokens, by no clock");
        outcomes.Finished.Should().BePositive();
        after.Tensors.Should().Be(before.Tensors);
        after.Threads.Should().BeLessThanOrEqualTo(before.Threads + 32, "the thread pool breathes, but has none for each request");
        after.Handles.Should().BeLessThanOrEqualTo(before.Handles + 16);
    }

    private static (long Tensors, int Threads, int Handles) Resources()
    {
        var tensors = TensorCounts.Take();
        using var process = Process.GetCurrentProcess();
        return (tensors, process.Threads.Count, process.HandleCount);
    }

    private static async Task<(int Finished, int Cancelled)> Storm(ComputedModel model, ComputedModel alone, int requests, int seed)
    {
        int finished = 0, cancelled = 0, next = 0;
        using var ended = new CancellationTokenSource();
        var neighbours = Enumerable.Range(0, 4).Select(i => Task.Run(() => ShouldStayExact(model, alone, seed + i, ended.Token))).ToArray();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => Cancel(new Random((seed * 1_000) + client)))));
        await ended.CancelAsync();
        await Task.WhenAll(neighbours);
        return (finished, cancelled);

        async Task Cancel(Random random)
        {
            while (Interlocked.Increment(ref next) <= requests)
            {
                var job = ComputedJob.Random(random, random.Next(1, 100), random.Next(1, 20));
                Interlocked.Increment(ref await EndsEarly(model, job, random) ? ref cancelled : ref finished);
            }
        }
    }

    /// <summary>A request that is cancelled before it begins, after some tokens, or at some time, or whose reader leaves.</summary>
    /// <returns><see langword="false"/> when it came to its end all the same.</returns>
    private static async Task<bool> EndsEarly(ComputedModel model, ComputedJob job, Random random)
    {
        using var cancellation = new CancellationTokenSource();
        var (way, tokensLeft) = (random.Next(4), random.Next(12));
        if (way == 0)
        {
            cancellation.CancelAfter(TimeSpan.FromMilliseconds(random.NextDouble() * 30));
        }

        try
        {
            await foreach (var token in model.Model.GenerateAsync(job.Prompt, job.Sampling, cancellationToken: cancellation.Token))
            {
                if (token.FinishReason is not null)
                {
                    return false;
                }

                if (way == 1 && tokensLeft-- == 0)
                {
                    return true; // the reader leaves
                }

                if (way == 2 && tokensLeft-- == 0)
                {
                    await cancellation.CancelAsync();
                }
            }

            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    private static async Task ShouldStayExact(ComputedModel model, ComputedModel alone, int seed, CancellationToken ended)
    {
        var random = new Random(seed);
        while (!ended.IsCancellationRequested)
        {
            var job = ComputedJob.Random(random, random.Next(1, 70), 30);
            (await model.Answer(job)).Bits.Should().Be((await alone.Answer(job)).Bits);
        }
    }
}
