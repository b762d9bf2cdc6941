namespace GptOss.Net.Tests;

/// <summary>How much longer the long variants of the property tests run: <c>GPTOSS_LONG_TESTS=1</c>.</summary>
internal static class LongTests
{
    public static bool Enabled { get; } =
        string.Equals(Environment.GetEnvironmentVariable("GPTOSS_LONG_TESTS"), "1", StringComparison.Ordinal);

    public static long Scale(long iterations) => Enabled ? iterations * 100 : iterations;

    public static int Cases(int usual, int whenLong) => Enabled ? whenLong : usual;
}
