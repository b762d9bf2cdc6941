using GptOss.Net.Execution.Cpu;
using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.Engine;

/// <summary>
/// An answer does not depend on what else the engine does: tokens and log-probabilities are equal to the last bit, on real kernels.
/// </summary>
public sealed class ExactServingTests
{
    // Around a block and the window, which have 16 tokens, around two of them, and a few more.
    private static readonly int[] Lengths = [1, 2, 15, 16, 17, 18, 31, 32, 33, 47, 48, 49, 64, 65];

    public static TheoryData<int, int> Companies => new()
    {
        { 1, 0 }, { 2, 0 }, { 3, 0 }, { 5, 0 }, { 8, 0 }, { 16, 0 }, { 32, 0 }, { 64, 0 }, { 1, 1 }, { 3, 1 }, { 8, 2 }, { 32, 1 },
    };

    [Theory]
    [MemberData(nameof(Companies))]
    public async Task An_answer_in_company_equals_the_answer_alone(int size, int stepsAhead)
    {
        var random = new Random(size);
        using var alone = ComputedModel.CreateAlone();
        using var together = ComputedModel.Create(stepsAhead: stepsAhead);
        for (var round = 0; round < LongTests.Cases(2, 200); round++)
        {
            var jobs = Enumerable.Range(0, size)
                .Select(i => ComputedJob.Random(random, Lengths[(i + round) % Lengths.Length], random.Next(1, 40))).ToArray();

            var answers = await AnswersAtRandomOffsets(together, jobs, random);

            await ShouldEqualAlone(alone, jobs, answers);
        }

        together.Steps.MostSequences.Should().BeGreaterThanOrEqualTo(Math.Min(size, 8), "they ran together");
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(3, 0)]
    [InlineData(16, 0)]
    [InlineData(17, 0)]
    [InlineData(3, 2)]
    [InlineData(17, 1)]
    public async Task A_prompt_in_chunks_gives_the_answer_of_the_whole_prompt(int maxStepTokens, int stepsAhead)
    {
        var random = new Random(maxStepTokens);
        var jobs = Lengths.Select(length => ComputedJob.Random(random, length, 4)).ToArray();
        using var whole = ComputedModel.CreateAlone();
        using var chunked = ComputedModel.Create(maxStepTokens: maxStepTokens, stepsAhead: stepsAhead);

        await ShouldEqualAlone(whole, jobs, await chunked.Answers(jobs));
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public async Task A_prompt_that_begins_like_an_earlier_one_gives_the_answer_that_it_gives_alone(bool fast, int stepsAhead)
    {
        var options = fast ? CpuExecutorOptions.Fast : CpuExecutorOptions.Exact;
        using var alone = ComputedModel.CreateAlone(options);
        using var cached = ComputedModel.Create(options: options, stepsAhead: stepsAhead);
        var random = new Random(5);
        for (var round = 0; round < LongTests.Cases(1, 100); round++)
        {
            foreach (var shared in Lengths)
            {
                var beginning = ComputedJob.RandomTokens(random, shared);
                await cached.Answer(new ComputedJob([.. beginning, .. ComputedJob.RandomTokens(random, 5)], 3));
                foreach (var rest in new[] { 0, 1, 7, 16, 40 })
                {
                    var job = new ComputedJob([.. beginning, .. ComputedJob.RandomTokens(random, rest)], 4, random.Next());

                    var answer = await cached.Answer(job);

                    answer.Bits.Should().Be((await alone.Answer(job)).Bits);
                    var findable = Math.Min(shared, job.Prompt.Length - 1) / PagedKVCache.BlockSize * PagedKVCache.BlockSize;
                    answer.CachedTokens.Should().BeGreaterThanOrEqualTo(findable, "the whole blocks of the common beginning are there");
                }
            }
        }
    }

    [Fact]
    public async Task A_conversation_that_goes_on_begins_with_what_was_computed_and_gives_the_same_bits()
    {
        using var alone = ComputedModel.CreateAlone();
        using var cached = ComputedModel.Create();
        var random = new Random(9);
        var history = ComputedJob.RandomTokens(random, 20);
        var cachedTokens = 0;
        for (var turn = 0; turn < 8; turn++)
        {
            var job = new ComputedJob(history, 20, turn);
            var expected = await alone.Answer(job);

            var answer = await cached.Answer(job);

            answer.Bits.Should().Be(expected.Bits);
            cachedTokens += answer.CachedTokens;
            var answered = await alone.Model.Ids(history, job.Sampling);
            history = [.. history, .. answered, .. ComputedJob.RandomTokens(random, 10)];
        }

        cachedTokens.Should().BeGreaterThan(8 * 60, "most of the long prompts were there");
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    [InlineData(false, 2)]
    public async Task A_preempted_answer_equals_the_answer_alone(bool cachesPrefixes, int stepsAhead)
    {
        var random = new Random(3);
        var jobs = Enumerable.Range(0, 24).Select(i => ComputedJob.Random(random, Lengths[i % Lengths.Length], 40)).ToArray();
        using var alone = ComputedModel.CreateAlone();
        using var crowded = ComputedModel.Create(new KVCacheCapacity(30, 64), cachesPrefixes: cachesPrefixes, stepsAhead: stepsAhead);

        var answers = await crowded.Answers(jobs);

        await ShouldEqualAlone(alone, jobs, answers);
        crowded.Steps.TokenCount.Should().BeGreaterThan(alone.Steps.TokenCount, "some were computed again");
        crowded.Dispose();
        crowded.Cache.Usage.Fraction.Should().Be(0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Several_answers_to_a_prompt_equal_as_many_requests(int stepsAhead)
    {
        using var alone = ComputedModel.CreateAlone();
        using var forked = ComputedModel.Create(stepsAhead: stepsAhead);
        foreach (var length in Lengths)
        {
            var job = ComputedJob.Random(new Random(length), length, 20);
            var tokens = await forked.Model.Tokens(job.Prompt, job.Sampling with { AnswerCount = 5 });
            for (var index = 0; index < 5; index++)
            {
                var expected = await alone.Answer(job with { Seed = job.Seed + index });

                ComputedAnswer.Of([.. tokens.Where(token => token.AnswerIndex == index)]).Bits.Should().Be(expected.Bits);
            }
        }

        forked.Steps.TokenCount.Should().Be(Lengths.Sum() + (Lengths.Length * 5 * 19), "a prompt is computed once");
        forked.Dispose();
        forked.Cache.Usage.Fraction.Should().Be(0);
    }

    private static async Task ShouldEqualAlone(ComputedModel alone, ComputedJob[] jobs, ComputedAnswer[] answers)
    {
        for (var i = 0; i < jobs.Length; i++)
        {
            answers[i].Bits.Should().Be((await alone.Answer(jobs[i])).Bits);
        }
    }

    /// <summary>Each job starts when one that runs all the time has come some random steps further.</summary>
    private static async Task<ComputedAnswer[]> AnswersAtRandomOffsets(ComputedModel model, ComputedJob[] jobs, Random random)
    {
        await using var pace = model.Model
            .GenerateAsync([1], new SamplingOptions { Seed = 1 }, cancellationToken: TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var answers = new List<Task<ComputedAnswer>>();
        foreach (var job in jobs)
        {
            for (var wait = random.Next(3); wait > 0; wait--)
            {
                await pace.MoveNextAsync();
            }

            answers.Add(model.Answer(job));
        }

        return await Task.WhenAll(answers);
    }
}
