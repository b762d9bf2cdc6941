namespace GptOss.Net.Harmony;

/// <summary>Plain text. Spellings of control tokens in it stay text.</summary>
public sealed class HarmonyText : HarmonyContent
{
    /// <summary>Creates a text part.</summary>
    /// <param name="text">Any text.</param>
    public HarmonyText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Text = text;
    }

    /// <summary>The text.</summary>
    public string Text { get; }
}
