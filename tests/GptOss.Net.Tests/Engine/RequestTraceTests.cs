using CsCheck;
using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.Engine;

/// <summary>
/// Random traffic of every sort through the whole engine on real kernels: each answer is the one that its prompt gets alone.
/// </summary>
public sealed class RequestTraceTests : IDisposable
{
    private const int LongestSequence = 160;

    private static readonly Gen<TracedRequest> Request = Gen.Select(
        Gen.Select(Gen.Int[0, 30], Gen.Int[0, 80]),
        Gen.Int[1, 40],
        Gen.Int[1, 30],
        Gen.Frequency((4, Gen.Const(1)), (1, Gen.Int[2, 4])),
        Gen.Int[-2, 2],
        Gen.Int[0, 2],
        Gen.Frequency((3, Gen.Const(int.MaxValue)), (1, Gen.Int[0, 20])),
        Gen.Int[0, 6]).Select(t => new TracedRequest(t.Item1, t.Item2, t.Item3, t.Item4, t.Item5, t.Item6, t.Item7, t.Item8));

    private readonly ComputedModel _alone = ComputedModel.CreateAlone();

    [Fact]
    public void Every_answer_in_random_traffic_is_the_one_that_its_prompt_gets_alone() =>
        Gen.Select(Request.Array[1, 30], Gen.Int[11, 60], Gen.Int[1, 8], Gen.Int[1, 64], Gen.Bool, Gen.Int[0, 2]).Sample(
            (requests, fullBlocks, maxSequences, maxStepTokens, caches, stepsAhead) =>
            {
                // The sliding layers have room for the window and a step of every sequence, as a loaded model's have.
                var model = ComputedModel.Create(
                    new KVCacheCapacity(fullBlocks, maxSequences * 8), maxSequences, maxStepTokens, caches, maxModelLength: LongestSequence,
                    stepsAhead: stepsAhead);
                Play(model, requests).GetAwaiter().GetResult();
                model.Dispose();
                model.Cache.Usage.Fraction.Should().Be(0);
            },
            iter: LongTests.Scale(25),
            threads: 1);

    public void Dispose() => _alone.Dispose();

    private async Task Play(ComputedModel model, TracedRequest[] requests)
    {
        var prompts = Prompts(requests);
        var pauses = requests.Select(_ => new SemaphoreSlim(0)).ToArray();
        await Task.WhenAll(requests.Select((_, i) => Task.Run(() => Run(i))));

        async Task Run(int i)
        {
            // One after the other, or while the one before is being answered.
            for (var waited = 0; i > 0 && waited < requests[i].Pause; waited++)
            {
                await pauses[i - 1].WaitAsync(TestContext.Current.CancellationToken);
            }

            var job = new ComputedJob(prompts[i], requests[i].OutputLength, i);
            var tokens = await Read(model, job, requests[i], pauses[i]);
            pauses[i].Release(100);
            for (var answer = 0; answer < requests[i].Answers; answer++)
            {
                var alone = await _alone.Model.Tokens(job.Prompt, job.Sampling with { Seed = job.Seed + answer });
                var read = tokens.Where(token => token.AnswerIndex == answer).ToArray();
                ComputedAnswer.Of(read).Bits.Should().Be(ComputedAnswer.Of(alone[..read.Length]).Bits);
                (read.Length == alone.Length || requests[i].ReadTokens < int.MaxValue).Should().BeTrue("nothing is lost");
            }
        }
    }

    private static async Task<List<GeneratedToken>> Read(ComputedModel model, ComputedJob job, TracedRequest request, SemaphoreSlim pause)
    {
        var tokens = new List<GeneratedToken>();
        await foreach (var token in model.Model.GenerateAsync(
            job.Prompt, job.Sampling with { AnswerCount = request.Answers }, request.Generation, TestContext.Current.CancellationToken))
        {
            tokens.Add(token);
            pause.Release();
            if (tokens.Count > request.ReadTokens)
            {
                break;
            }
        }

        return tokens;
    }

    private static int[][] Prompts(TracedRequest[] requests)
    {
        var prompts = new int[requests.Length][];
        for (var i = 0; i < requests.Length; i++)
        {
            var (earlier, tokens) = requests[i].Begins;
            var beginning = i == 0 ? [] : prompts[earlier % i].Take(tokens);
            prompts[i] = [.. beginning, .. ComputedJob.RandomTokens(new Random(i), requests[i].NewTokens)];
        }

        return prompts;
    }
}
