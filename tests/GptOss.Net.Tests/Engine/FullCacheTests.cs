using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.Engine;

/// <summary>A cache that is always full, many clients, half of whose prompts begin alike; on real kernels.</summary>
public sealed class FullCacheTests(ITestOutputHelper output)
{
    private const int Clients = 64;

    [Theory]
    [InlineData(16, true)] // room for one of the longest
    [InlineData(24, true)]
    [InlineData(64, false)]
    [InlineData(200, false)]
    public async Task All_clients_of_a_full_cache_finish_with_the_answers_that_they_get_alone(int fullBlocks, bool preempts)
    {
        using var alone = ComputedModel.CreateAlone();
        var model = ComputedModel.Create(new KVCacheCapacity(fullBlocks, 400), maxStepTokens: 128, maxModelLength: 200);
        var shared = ComputedJob.RandomTokens(new Random(1), 60);

        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => Ask(client))));

        model.Steps.TokenCount.Should().BePositive();
        var preemptions = model.Model.GetStatistics().Preemptions;
        output.WriteLine($"{preemptions} preemptions");
        if (preempts)
        {
            preemptions.Should().BePositive();
        }

        model.Dispose();
        model.Cache.Usage.Fraction.Should().Be(0);

        async Task Ask(int client)
        {
            var random = new Random(client);
            for (var i = 0; i < LongTests.Cases(4, 100); i++)
            {
                var beginning = random.Next(2) == 0 ? shared[..random.Next(shared.Length)] : [];
                var job = new ComputedJob(
                    [.. beginning, client, .. ComputedJob.RandomTokens(random, random.Next(40))], random.Next(1, 99), client);

                var answer = await model.Answer(job);

                answer.Bits.Should().Be((await alone.Answer(job)).Bits);
            }
        }
    }
}
