namespace GptOss.Net.TestUtils;

/// <summary>The files of TestData.</summary>
internal static class Fixtures
{
    public static string ModelDirectory(string name) => Path.Combine(AppContext.BaseDirectory, "TestData", "model", name);
}
