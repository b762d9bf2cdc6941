using System.Globalization;
using System.Text;

namespace GptOss.Net.Harmony;

/// <summary>
/// Splits UTF-8 text into the pieces that are merged on their own, as the o200k regular expression does:
/// <code>
/// 1 [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
/// 2 [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
/// 3 \p{N}{1,3}      4  ?[^\s\p{L}\p{N}]+[\r\n/]*      5 \s*[\r\n]+      6 \s+(?!\S)      7 \s+
/// </code>
/// Written by hand because .NET regular expressions see UTF-16 units: letters, digits and symbols beyond U+FFFF would split differently.
/// </summary>
internal static class TextSplitter
{
    private static readonly CharacterClass[] Ascii = [.. Enumerable.Range(0, 128).Select(c => Classify(new Rune(c)))];

    /// <summary>The length in bytes of the first piece of a text that is not empty.</summary>
    public static int FirstPieceLength(ReadOnlySpan<byte> text)
    {
        var first = ClassAt(text, 0, out var size);
        if (WordLength(text, (first & CharacterClass.WordPrefix) != CharacterClass.None ? size : 0) is var word && word > 0)
        {
            return word;
        }

        if (first == CharacterClass.Number)
        {
            return SkipWhile(text, 0, CharacterClass.Number, limit: 3);
        }

        var punctuation = text[0] == ' ' ? 1 : 0;
        var end = SkipWhile(text, punctuation, CharacterClass.Punctuation);
        return end > punctuation ? SkipBreaksAndSlashes(text, end) : WhiteSpaceLength(text);
    }

    /// <summary>Alternatives 1 and 2, each tried with the prefix character first, then without.</summary>
    private static int WordLength(ReadOnlySpan<byte> text, int prefix)
    {
        var end = prefix > 0 ? MixedCaseEnd(text, prefix) : 0;
        end = end > 0 ? end : MixedCaseEnd(text, 0);
        end = end > 0 || prefix == 0 ? end : UpperCaseEnd(text, prefix);
        end = end > 0 ? end : UpperCaseEnd(text, 0);
        return end > 0 ? end + ContractionLength(text[end..]) : 0;
    }

    private static int MixedCaseEnd(ReadOnlySpan<byte> text, int start)
    {
        var end = start;
        var lastCaseless = 0; // where the regex would backtrack to when no lower case letter follows
        CharacterClass found;
        while (((found = ClassAt(text, end, out var size)) & CharacterClass.WordStart) != CharacterClass.None)
        {
            end += size;
            lastCaseless = found == CharacterClass.Upper ? lastCaseless : end;
        }

        return found == CharacterClass.Lower ? SkipWhile(text, end, CharacterClass.WordEnd) : lastCaseless;
    }

    private static int UpperCaseEnd(ReadOnlySpan<byte> text, int start)
    {
        var end = SkipWhile(text, start, CharacterClass.WordStart);
        return end > start ? SkipWhile(text, end, CharacterClass.WordEnd) : 0;
    }

    private static int ContractionLength(ReadOnlySpan<byte> text)
    {
        if (text.Length < 2 || text[0] != '\'')
        {
            return 0;
        }

        var second = text.Length > 2 ? (char)(text[2] | 0x20) : '\0';
        return (char)(text[1] | 0x20) switch
        {
            's' or 't' or 'm' or 'd' => 2,
            'r' or 'v' when second == 'e' => 3,
            'l' when second == 'l' => 3,
            _ => text[1..].StartsWith("ſ"u8) ? 3 : 0, // U+017F is an s where case is ignored
        };
    }

    private static int SkipBreaksAndSlashes(ReadOnlySpan<byte> text, int start)
    {
        var rest = text[start..].IndexOfAnyExcept("\r\n/"u8);
        return rest < 0 ? text.Length : start + rest;
    }

    private static int WhiteSpaceLength(ReadOnlySpan<byte> text)
    {
        var (end, lastStart, lastBreak) = (0, 0, 0);
        CharacterClass found;
        while (((found = ClassAt(text, end, out var size)) & CharacterClass.WhiteSpace) != CharacterClass.None)
        {
            lastStart = end;
            end += size;
            lastBreak = found == CharacterClass.LineBreak ? end : lastBreak;
        }

        if (lastBreak > 0)
        {
            return lastBreak;
        }

        // The last space before a visible character belongs to that character's piece.
        return end == text.Length || lastStart == 0 ? end : lastStart;
    }

    private static int SkipWhile(ReadOnlySpan<byte> text, int start, CharacterClass set, int limit = int.MaxValue)
    {
        while (limit-- > 0 && (ClassAt(text, start, out var size) & set) != CharacterClass.None)
        {
            start += size;
        }

        return start;
    }

    private static CharacterClass ClassAt(ReadOnlySpan<byte> text, int index, out int size)
    {
        size = 1;
        if (index >= text.Length)
        {
            return CharacterClass.None;
        }

        if (text[index] < Ascii.Length)
        {
            return Ascii[text[index]];
        }

        Rune.DecodeFromUtf8(text[index..], out var rune, out size);
        return Classify(rune);
    }

    private static CharacterClass Classify(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => CharacterClass.Upper,
        UnicodeCategory.LowercaseLetter => CharacterClass.Lower,
        UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharacterClass.Caseless,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => CharacterClass.Mark,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharacterClass.Number,
        _ when rune.Value is '\r' or '\n' => CharacterClass.LineBreak,
        _ when Rune.IsWhiteSpace(rune) => CharacterClass.Space,
        _ => CharacterClass.Symbol,
    };
}
