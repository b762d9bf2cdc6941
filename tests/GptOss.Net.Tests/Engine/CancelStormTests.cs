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
        outcomes.Cancelled.Should().BeGreaterThan(outcomes.Finished, "most are cancelled while they wait or run");
        outcomes.Finished.Should().BePositive();
        after.Tensors.Should().Be(before.Tensors);
        after.Threads.Should().BeLessThanOrEqualTo(before.Threads + 4);
        after.Handles.Should().BeLessThanOrEqualTo(before.Handles + 16);
    }

    private static (long Tensors, int Threads, int Handles) Resources()
    {
        var tensors = TensorCounts.Take();
        using var process = Process.GetCurrentProcess();
        return (tensors, process.Threads.Count - ThreadPool.ThreadCount, process.HandleCount); // the pool breathes
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
                var (promptTokens, newTokens) = (random.Next(1, 100), random.Next(1, 20));
                var job = ComputedJob.Random(random, promptTokens, newTokens);
                var tokensLeft = random.Next(Math.Max(1, newTokens - 1));
                Interlocked.Increment(ref await EndsEarly(model, job, random, tokensLeft) ? ref cancelled : ref finished);
            }
        }
    }

    /// <summary>
    /// One in five is cancelled at some time, or ends before; of three the reader leaves, or cancels, after some tokens; the last one goes
    /// on.
    /// </summary>
    /// <returns><see langword="false"/> when it came to its end all the same.</returns>
    private static async Task<bool> EndsEarly(ComputedModel model, ComputedJob job, Random random, int tokensLeft)
    {
        using var cancellation = new CancellationTokenSource();
        var way = random.Next(5);
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

                if (way is 1 or 2 && tokensLeft-- == 0)
                {
                    return true; // the reader leaves
                }

                if (way == 3 && tokensLeft-- == 0)
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
