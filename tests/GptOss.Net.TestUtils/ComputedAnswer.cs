using System.Globalization;

namespace GptOss.Net.TestUtils;

/// <summary>An answer to the last bit: tokens and log-probabilities. Equal texts mean equal bits.</summary>
internal sealed record ComputedAnswer(string Bits, int CachedTokens)
{
    public static ComputedAnswer Of(IReadOnlyList<GeneratedToken> tokens) =>
        new(string.Join(' ', tokens.Select(Describe)), tokens.Count == 0 ? 0 : tokens[0].CachedPromptTokens);

    private static string Describe(GeneratedToken token) => string.Create(
        CultureInfo.InvariantCulture,
        $"{token.Id}:{Bit(token.LogProbability)}:{string.Join('/', token.TopLogProbabilities!.Select(Describe))}");

    private static string Describe(TokenLogProbability top) =>
        string.Create(CultureInfo.InvariantCulture, $"{top.Id}:{Bit(top.LogProbability)}");

    private static string Bit(float? value) => BitConverter.SingleToInt32Bits(value ?? 0).ToString("x8", CultureInfo.InvariantCulture);
}
