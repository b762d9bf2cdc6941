using System.Text;

namespace GptOss.Net.Chat;

/// <summary>Names that the harmony format can hold: ASCII letters, digits and underscores, no digit first.</summary>
internal static class HarmonyName
{
    private const string Unnamed = "unnamed";

    /// <summary>The name that comes closest.</summary>
    public static string Of(string? name)
    {
        var text = new StringBuilder();
        foreach (var character in name ?? "")
        {
            if (char.IsAsciiLetterOrDigit(character) || character is '_')
            {
                text.Append(character);
            }
            else if (character is ' ' or '-' or '.')
            {
                text.Append('_');
            }
        }

        if (text.Length == 0)
        {
            return Unnamed;
        }

        return char.IsAsciiDigit(text[0]) ? "_" + text : text.ToString();
    }
}
