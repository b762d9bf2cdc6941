namespace GptOss.Net.TestUtils;

/// <summary>How much longer the long variants of the property tests run: <c>GPTOSS_LONG_TESTS=1</c>.</summary>
internal static class LongTests
{
    public static bool Enabled { get; } =
        string.Equals(Environment.GetEnvironmentVariable("GPTOSS_LONG_TESTS"), "1", StringComparison.Ordinal);

    /// <summary>Gets a value indicating whether a build server runs the tests, as <c>CI=true</c> tells.</summary>
    public static bool IsBuildServer { get; } =
        string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);

    public static long Scale(long iterations) => Enabled ? iterations * 100 : iterations;

    public static int Cases(int usual, int whenLong) => Enabled ? whenLong : usual;
}
