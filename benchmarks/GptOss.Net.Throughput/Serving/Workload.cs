using GptOss.Net.Harmony;

namespace GptOss.Net.Throughput.Serving;

/// <summary>Requests that are alike in size: random tokens in, so many tokens out.</summary>
/// <param name="PromptTokens">Tokens of each prompt.</param>
/// <param name="SharedTokens">How many of them are the same for all prompts: a system message, for example.</param>
/// <param name="NewTokens">Tokens of each answer; no answer ends before.</param>
/// <param name="Seed">Decides which tokens.</param>
internal sealed record Workload(int PromptTokens, int SharedTokens, int NewTokens, int Seed)
{
    private const int Words = 100_000; // ordinary tokens, of any text
    private const float Never = -100;

    private readonly Random _random = new(Seed);

    /// <summary>Gets how to generate: greedily, and never an end.</summary>
    public SamplingOptions Sampling { get; } = new()
    {
        Temperature = 0,
        MaxOutputTokens = NewTokens,
        LogitBias = new Dictionary<int, float>
        {
            [ControlToken.Return] = Never,
            [ControlToken.Call] = Never,
            [ControlToken.EndOfText] = Never,
        },
    };

    /// <summary>The next prompt; from one thread.</summary>
    public int[] NextPrompt()
    {
        var shared = new Random(Seed);
        return
        [
            .. Enumerable.Range(0, SharedTokens).Select(_ => shared.Next(Words)),
            .. Enumerable.Range(SharedTokens, PromptTokens - SharedTokens).Select(_ => _random.Next(Words)),
        ];
    }
}
