using System.Globalization;
using System.Text;

namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>Reads what stands for one character in a pattern: escapes and classes.</summary>
internal sealed class CharacterParser(PatternCursor cursor, bool ignoresCase)
{
    /// <summary>Reads a class, behind its opening bracket.</summary>
    public CharacterSet ParseClass()
    {
        var isNegated = cursor.TryRead('^');
        var hasWords = false;
        var ranges = new List<CharacterRange>();
        while (!cursor.TryRead(']'))
        {
            hasWords |= cursor.Current == '\\' && cursor.Peek(1) is 'd' or 'D' or 'w' or 'W';
            var set = ParseClassCharacter();
            if (cursor.Current == '-' && cursor.Peek(1) is not (-1 or ']'))
            {
                cursor.Read();
                set = Range(set, ParseClassCharacter());
            }

            ranges.AddRange(set.Ranges);
        }

        if (ranges.Count == 0)
        {
            throw new PatternException("has an empty character class");
        }

        // Beyond ASCII, ECMAScript and .NET disagree about what is a digit or a letter: leave those characters out.
        var listed = ignoresCase ? new CharacterSet(ranges).WithBothCases() : new CharacterSet(ranges);
        return !isNegated ? listed : hasWords ? listed.Negate().Intersect(CharacterSet.Ascii) : listed.Negate();
    }

    private CharacterSet ParseClassCharacter()
    {
        if (cursor.Current < 0)
        {
            throw new PatternException("has an opening bracket without a closing one");
        }

        var character = cursor.Read();
        return character == '\\' ? ParseEscape() : CharacterSet.Of(character);
    }

    private static CharacterSet Range(CharacterSet first, CharacterSet last) =>
        first.Ranges is [{ } low] && last.Ranges is [{ } high] && low.Low == low.High && high.Low == high.High && low.Low <= high.Low
            ? new CharacterSet([new(low.Low, high.Low)])
            : throw new PatternException("has a character class with a range that does not go from a character to a later one");

    /// <summary>Reads an escape, behind its backslash.</summary>
    public CharacterSet ParseEscape()
    {
        if (cursor.Current < 0)
        {
            throw new PatternException("ends with a backslash");
        }

        var character = cursor.Read();
        return character switch
        {
            'd' => CharacterSet.Digits,
            'D' => CharacterSet.Digits.Negate().Intersect(CharacterSet.Ascii),
            'w' => CharacterSet.Words,
            'W' => CharacterSet.Words.Negate().Intersect(CharacterSet.Ascii),
            's' => CharacterSet.Spaces,
            'S' => CharacterSet.Spaces.Negate(),
            'x' => CharacterSet.Of(ReadHexadecimal(2)),
            'u' => CharacterSet.Of(ReadHexadecimal(4)),
            'k' or (>= '1' and <= '9') => throw NotRegular("back reference"),
            'p' => ParseCategory(),
            'P' => ParseCategory().Negate(),
            _ => CharacterSet.Of(ControlEscape(character)),
        };

        PatternException NotRegular(string what) => new($"has a {what} (\\{new Rune(character)}), which cannot be enforced; remove it");
    }

    private CharacterSet ParseCategory()
    {
        var name = new StringBuilder();
        if (!cursor.TryRead('{'))
        {
            name.Append(cursor.Current < 0 ? "" : new Rune(cursor.Read()).ToString());
        }
        else
        {
            while (!cursor.TryRead('}'))
            {
                name.Append(
                    cursor.Current < 0
                        ? throw new PatternException("has a Unicode property without a closing brace")
                        : new Rune(cursor.Read()).ToString());
            }
        }

        return UnicodeCategories.Find(name.ToString())
            ?? throw new PatternException($"has the Unicode property '{name}', which is none of the general categories; use one of them");
    }

    private static int ControlEscape(int character) => character switch
    {
        'b' => '\b',
        't' => '\t',
        'n' => '\n',
        'v' => '\v',
        'f' => '\f',
        'r' => '\r',
        '0' => '\0',
        < 128 when char.IsAsciiLetterOrDigit((char)character) =>
            throw new PatternException($"has an unknown escape (\\{(char)character})"),
        _ => character,
    };

    private int ReadHexadecimal(int digits)
    {
        var value = 0;
        for (var i = 0; i < digits; i++)
        {
            value = cursor.Current is >= 0 and < 128 && char.IsAsciiHexDigit((char)cursor.Current)
                ? (value * 16) + int.Parse(((char)cursor.Read()).ToString(), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                : throw new PatternException($"has an escape that needs {digits} hexadecimal digits");
        }

        return value;
    }
}
