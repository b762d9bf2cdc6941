namespace GptOss.Net.Harmony;

/// <summary>Line breaks in text that becomes a comment.</summary>
internal static class TextLines
{
    /// <summary>The lines of a text; a line break at the end begins no further line. No lines for null or empty.</summary>
    public static IEnumerable<string> Split(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return [];
        }

        var lines = text.Split('\n');
        return lines
            .Take(lines[^1].Length == 0 ? lines.Length - 1 : lines.Length)
            .Select(line => line.EndsWith('\r') ? line[..^1] : line);
    }

    /// <summary>The text on one line.</summary>
    public static string Join(string text) => text.ReplaceLineEndings(" ");
}
