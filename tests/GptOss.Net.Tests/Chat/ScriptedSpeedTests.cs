using System.Diagnostics;
using GptOss.Net.Harmony;

namespace GptOss.Net.Tests.Chat;

/// <summary>How many tokens a second the double makes that stands for a model; everything else is the real engine.</summary>
public sealed class ScriptedSpeedTests(ITestOutputHelper output)
{
    private const int Sequences = 32; // whose tokens fit the cache: none begins anew

    [Theory]
    [InlineData(1_024, 1_500)]
    [InlineData(HarmonyTokenizer.VocabularySize, 400)]
    public async Task Scripted_tokens_come_in_their_order(int vocabularySize, int tokens)
    {
        tokens = LongTests.Cases(tokens / 10, tokens);
        using var model = ScriptedModel.Create(
            new ScriptedReplies(_ => Count, vocabularySize), maxModelLength: tokens + 10, maxSequences: Sequences,
            vocabularySize: vocabularySize, cachesPrefixes: false);

        for (var run = 0; run < LongTests.Cases(1, 5); run++)
        {
            var started = Stopwatch.GetTimestamp();

            await Generate();

            output.WriteLine(
                $"{Sequences * tokens / Stopwatch.GetElapsedTime(started).TotalSeconds:F0} tokens/s with {vocabularySize} logits each");
        }

        void Count(ReadOnlySpan<int> written, Span<float> logits) => logits[written.Length % 1_000] = 100;

        Task Generate() =>
            Parallel.ForAsync(0, Sequences, new ParallelOptions { MaxDegreeOfParallelism = Sequences }, async (_, cancellationToken) =>
            {
                var next = 0;
                await foreach (var token
                    in model.GenerateAsync([1], new() { Temperature = 0, MaxOutputTokens = tokens }, cancellationToken: cancellationToken))
                {
                    token.Id.Should().Be(next++ % 1_000);
                }

                next.Should().Be(tokens);
            });
    }
}
