namespace GptOss.Net.TestUtils;

/// <summary>A prompt and how many tokens to draw after it, with log-probabilities.</summary>
internal sealed record ComputedJob(int[] Prompt, int OutputLength, int Seed = 1)
{
    public SamplingOptions Sampling => new()
    {
        Temperature = 1,
        Seed = Seed,
        MaxOutputTokens = OutputLength,
        LogProbabilities = true,
        TopLogProbabilities = 2,
    };

    /// <summary>A prompt of random tokens.</summary>
    public static ComputedJob Random(Random random, int promptLength, int outputLength) =>
        new(RandomTokens(random, promptLength), outputLength, random.Next());

    public static int[] RandomTokens(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => random.Next(ComputedModel.VocabularySize))];
}
