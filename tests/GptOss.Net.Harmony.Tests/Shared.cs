namespace GptOss.Net.Harmony.Tests;

/// <summary>What all tests use: one tokenizer, and the amount of work.</summary>
internal static class Shared
{
    /// <summary>Loaded once.</summary>
    public static HarmonyTokenizer Tokenizer { get; } = HarmonyTokenizer.Create();

    /// <summary>Set GPTOSS_LONG_TESTS=1 for the long variants.</summary>
    public static bool IsLong { get; } =
        string.Equals(Environment.GetEnvironmentVariable("GPTOSS_LONG_TESTS"), "1", StringComparison.Ordinal);

    /// <summary>The number of samples of a property: the second one in long tests.</summary>
    public static int Samples(int usual, int @long) => IsLong ? @long : usual;
}
