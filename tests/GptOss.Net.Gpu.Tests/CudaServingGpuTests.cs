using GptOss.Net.Execution;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.KVCache;

namespace GptOss.Net.Gpu.Tests;

/// <summary>
/// Behind a real engine an answer does not depend on what else the card does, nor on steps that run ahead of the host: tokens that the card
/// draws and their log-probabilities are equal to the last bit.
/// </summary>
public sealed class CudaServingGpuTests
{
    // Around a block and the window, which have 16 tokens, and a few more.
    private static readonly int[] Lengths = [1, 2, 15, 16, 17, 18, 31, 33, 48, 65];

    private static readonly KVCacheCapacity Roomy = new(1_024, 1_024);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(17)]
    [InlineData(64)]
    public async Task An_answer_in_company_of_steps_that_run_ahead_equals_the_answer_alone(int size)
    {
        using var alone = Alone();
        using var together = ComputedModel.Create(Roomy, stepsAhead: null, load: Load);
        var jobs = Jobs(size, outputLength: 40);

        var answers = await together.Answers(jobs);

        await ShouldEqualAlone(alone, jobs, answers);
        together.Steps.StepsAhead.Should().BePositive("steps ran ahead");
        alone.Steps.StepsAhead.Should().Be(0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(17)]
    public async Task A_prompt_in_chunks_gives_the_answer_of_the_whole_prompt(int maxStepTokens)
    {
        using var alone = Alone();
        using var chunked = ComputedModel.Create(Roomy, maxStepTokens: maxStepTokens, stepsAhead: null, load: Load);
        var jobs = Jobs(10, outputLength: 4);

        await ShouldEqualAlone(alone, jobs, await chunked.Answers(jobs));
    }

    [Fact]
    public async Task A_prompt_that_begins_like_an_earlier_one_gives_the_answer_that_it_gives_alone()
    {
        using var alone = Alone();
        using var cached = ComputedModel.Create(Roomy, stepsAhead: null, load: Load);
        var random = new Random(5);
        foreach (var shared in Lengths)
        {
            var beginning = ComputedJob.RandomTokens(random, shared);
            await cached.Answer(new ComputedJob([.. beginning, .. ComputedJob.RandomTokens(random, 5)], 3));
            foreach (var rest in (int[])[0, 1, 7, 40])
            {
                var job = new ComputedJob([.. beginning, .. ComputedJob.RandomTokens(random, rest)], 4, random.Next());

                var answer = await cached.Answer(job);

                answer.Bits.Should().Be((await alone.Answer(job)).Bits);
                var findable = Math.Min(shared, job.Prompt.Length - 1) / PagedKVCache.BlockSize * PagedKVCache.BlockSize;
                answer.CachedTokens.Should().BeGreaterThanOrEqualTo(findable, "the whole blocks of the common beginning are there");
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_preempted_answer_equals_the_answer_alone(bool cachesPrefixes)
    {
        using var alone = Alone();
        using var crowded = ComputedModel.Create(new KVCacheCapacity(30, 64), cachesPrefixes: cachesPrefixes, stepsAhead: null, load: Load);
        var jobs = Jobs(24, outputLength: 40);

        var answers = await crowded.Answers(jobs);

        await ShouldEqualAlone(alone, jobs, answers);
        crowded.Steps.TokenCount.Should().BeGreaterThan(alone.Steps.TokenCount, "some were computed again");
    }

    private static ComputedModel Alone() => ComputedModel.Create(
        Roomy, maxSequences: 1, cachesPrefixes: false, stepsAhead: 0, load: Load);

    private static ComputedJob[] Jobs(int count, int outputLength)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(i => ComputedJob.Random(random, Lengths[i % Lengths.Length], outputLength))];
    }

    private static async Task ShouldEqualAlone(ComputedModel alone, ComputedJob[] jobs, ComputedAnswer[] answers)
    {
        for (var i = 0; i < jobs.Length; i++)
        {
            answers[i].Bits.Should().Be((await alone.Answer(jobs[i])).Bits, $"of {jobs[i].Prompt.Length} tokens, {i} of {jobs.Length}");
        }
    }

    private static CudaExecutor Load(ModelFixture fixture, KVCacheCapacity capacity)
    {
        Gpu.RequireDevices(1);
        var options = new CudaExecutorOptions(MaxStepTokens: 512, MaxSequences: 64, MaxModelLength: 512);
        var progress = new WeightReadProgress(0, (_, _) => { }, CancellationToken.None);
        return new CudaExecutorLoader(fixture.Config, fixture.Weights, capacity, options, progress)
            .Load(null, Environment.GetEnvironmentVariable("GPTOSS_LIBTORCH"));
    }
}
