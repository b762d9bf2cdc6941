namespace GptOss.Net.Harmony.Tests;

/// <summary>Every text that spells a control token.</summary>
internal static class Spellings
{
    public static IReadOnlyList<string> All { get; } =
        [.. Enumerable.Range(ControlToken.First, ControlToken.Last - ControlToken.First + 1)
            .Select(ControlToken.GetSpelling), "<|endofprompt|>"];
}
