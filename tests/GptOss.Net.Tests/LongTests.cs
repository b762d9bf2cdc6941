namespace GptOss.Net.Tests;

/// <summary>GPTOSS_LONG_TESTS=1 makes randomized tests run many more cases.</summary>
internal static class LongTests
{
    public static int Cases(int usual, int whenLong) => IsOn ? whenLong : usual;

    private static bool IsOn => string.Equals(Environment.GetEnvironmentVariable("GPTOSS_LONG_TESTS"), "1", StringComparison.Ordinal);
}
