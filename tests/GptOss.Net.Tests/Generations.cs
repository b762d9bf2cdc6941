namespace GptOss.Net.Tests;

/// <summary>Short ways to generate.</summary>
internal static class Generations
{
    public static SamplingOptions Greedy(int maxOutputTokens) => new() { Temperature = 0, MaxOutputTokens = maxOutputTokens };

    public static async Task<GeneratedToken[]> Tokens(this GptOssModel model, int[] prompt, SamplingOptions? options = null)
    {
        var tokens = new List<GeneratedToken>();
        await foreach (var token in model.GenerateAsync(prompt, options, cancellationToken: TestContext.Current.CancellationToken))
        {
            tokens.Add(token);
        }

        return [.. tokens];
    }

    public static async Task<int[]> Ids(this GptOssModel model, int[] prompt, SamplingOptions? options = null) =>
        [.. (await model.Tokens(prompt, options)).Select(token => token.Id)];
}
