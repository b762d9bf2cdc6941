using System.Globalization;
using System.Text;

namespace GptOss.Net.Chat;

/// <summary>Names that the harmony format can hold.</summary>
internal static class HarmonyName
{
    /// <summary>The longest name of a function; longer ones are cut, because the model would have to repeat all of it.</summary>
    public const int MaxLength = 128;

    private const int MaxAuthorLength = 64;
    private const string Unnamed = "unnamed";

    /// <summary>The name of a function or format that comes closest: ASCII letters, digits and underscores, no digit first.</summary>
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

        if (char.IsAsciiDigit(text[0]))
        {
            text.Insert(0, '_');
        }

        text.Length = Math.Min(text.Length, MaxLength);
        return text.ToString();
    }

    /// <summary>The name of someone who takes part in a conversation: letters and digits of any script, the rest as underscores.</summary>
    public static string? OfAuthor(string? name)
    {
        var text = new StringBuilder();
        foreach (var rune in (name ?? "").Trim().EnumerateRunes())
        {
            if (text.Length + rune.Utf16SequenceLength > MaxAuthorLength)
            {
                break;
            }

            text.Append(IsInName(rune) ? rune.ToString() : "_");
        }

        return text.Length > 0 ? text.ToString() : null;
    }

    private static bool IsInName(Rune rune) => Rune.IsLetterOrDigit(rune) || rune.Value is '-' or '_'
        || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;
}
