using System.Globalization;
using System.Text;

namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>Reads the regular part of ECMAScript's regular expressions. Not recursive: groups may nest as deep as they like.</summary>
internal sealed class PatternParser
{
    private readonly int[] _text;
    private readonly PatternGraph _graph;
    private readonly Stack<PatternGroup> _groups = new();
    private int _position;

    private PatternParser(string pattern, PatternGraph graph)
    {
        _text = [.. pattern.EnumerateRunes().Select(rune => rune.Value)];
        _graph = graph;
    }

    private int Current => _position < _text.Length ? _text[_position] : -1;

    /// <summary>Adds a pattern to a graph.</summary>
    /// <exception cref="PatternException">The pattern is malformed, is not regular, or is too large.</exception>
    public static PatternFragment Parse(string pattern, PatternGraph graph) => new PatternParser(pattern, graph).Parse();

    private PatternFragment Parse()
    {
        _groups.Push(new PatternGroup(_graph));
        while (Current >= 0)
        {
            ParseElement(_text[_position++]);
        }

        return _groups.Count == 1
            ? _groups.Pop().Close()
            : throw new PatternException("has an opening parenthesis without a closing one");
    }

    private void ParseElement(int character)
    {
        var group = _groups.Peek();
        switch (character)
        {
            case '|':
                group.Alternate();
                break;
            case '(':
                OpenGroup();
                break;
            case ')':
                CloseGroup();
                break;
            case '^':
                group.Append(_graph.AddAssertion(PatternEdgeKind.AtStart), canRepeat: false);
                break;
            case '$':
                group.Append(_graph.AddAssertion(PatternEdgeKind.AtEnd), canRepeat: false);
                break;
            case '*' or '+' or '?':
                Repeat(character == '+' ? 1 : 0, character == '?' ? 1 : null);
                break;
            case '{' when TryReadBounds(out var least, out var most):
                Repeat(least, most);
                break;
            case '.':
                group.Append(_graph.AddCharacter(CharacterSet.Dot));
                break;
            case '[':
                group.Append(_graph.AddCharacter(ParseClass()));
                break;
            case '\\':
                group.Append(_graph.AddCharacter(ParseEscape(inClass: false)));
                break;
            default:
                group.Append(_graph.AddCharacter(CharacterSet.Of(character)));
                break;
        }
    }

    private void OpenGroup()
    {
        if (Current == '?')
        {
            _position++;
            if (TryRead('<') && Current is not ('=' or '!'))
            {
                while (Current >= 0 && !TryRead('>'))
                {
                    _position++;
                }
            }
            else if (!TryRead(':'))
            {
                throw new PatternException("has a lookahead, a lookbehind or an inline option, which cannot be enforced; remove it");
            }
        }

        _groups.Push(new PatternGroup(_graph));
    }

    private void CloseGroup()
    {
        if (_groups.Count == 1)
        {
            throw new PatternException("has a closing parenthesis without an opening one");
        }

        var fragment = _groups.Pop().Close();
        _groups.Peek().Append(fragment);
    }

    private void Repeat(int least, int? most)
    {
        if (most < least)
        {
            throw new PatternException($"has a quantifier of {least} to {most}; put the smaller number first");
        }

        _groups.Peek().RepeatLast(least, most);
        TryRead('?');
    }

    private bool TryReadBounds(out int least, out int? most)
    {
        var start = _position;
        most = null;
        if (TryReadNumber(out least))
        {
            most = least;
            if (TryRead(','))
            {
                most = TryReadNumber(out var second) ? second : null;
            }

            if (TryRead('}'))
            {
                return true;
            }
        }

        _position = start;
        return false;
    }

    private bool TryReadNumber(out int number)
    {
        number = 0;
        var start = _position;
        while (Current is >= '0' and <= '9')
        {
            number = Math.Min(PatternBudget.MaxNodes + 1, (number * 10) + Current - '0');
            _position++;
        }

        return _position > start;
    }

    private CharacterSet ParseClass()
    {
        var isNegated = TryRead('^');
        var hasWords = false;
        var ranges = new List<CharacterRange>();
        while (!TryRead(']'))
        {
            hasWords |= Current == '\\' && _position + 1 < _text.Length && _text[_position + 1] is 'd' or 'D' or 'w' or 'W';
            var set = ParseClassCharacter();
            if (Current == '-' && _position + 1 < _text.Length && _text[_position + 1] != ']')
            {
                _position++;
                set = Range(set, ParseClassCharacter());
            }

            ranges.AddRange(set.Ranges);
        }

        if (ranges.Count == 0)
        {
            throw new PatternException("has an empty character class");
        }

        // Beyond ASCII, ECMAScript and .NET disagree about what is a digit or a letter: leave those characters out.
        var listed = new CharacterSet(ranges);
        return !isNegated ? listed : hasWords ? listed.Negate().Intersect(CharacterSet.Ascii) : listed.Negate();
    }

    private CharacterSet ParseClassCharacter()
    {
        if (Current < 0)
        {
            throw new PatternException("has an opening bracket without a closing one");
        }

        var character = _text[_position++];
        return character == '\\' ? ParseEscape(inClass: true) : CharacterSet.Of(character);
    }

    private static CharacterSet Range(CharacterSet first, CharacterSet last) =>
        first.Ranges is [{ } low] && last.Ranges is [{ } high] && low.Low == low.High && high.Low == high.High && low.Low <= high.Low
            ? new CharacterSet([new(low.Low, high.Low)])
            : throw new PatternException("has a character class with a range that does not go from a character to a later one");

    private CharacterSet ParseEscape(bool inClass)
    {
        if (Current < 0)
        {
            throw new PatternException("ends with a backslash");
        }

        var character = _text[_position++];
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
            'b' when !inClass => throw NotRegular("word boundary"),
            'B' => throw NotRegular("word boundary"),
            'k' or (>= '1' and <= '9') => throw NotRegular("back reference"),
            'p' or 'P' => throw NotRegular("Unicode property"),
            _ => CharacterSet.Of(ControlEscape(character)),
        };

        PatternException NotRegular(string what) => new($"has a {what} (\\{new Rune(character)}), which cannot be enforced; remove it");
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
        for (var i = 0; i < digits; i++, _position++)
        {
            value = Current is >= 0 and < 128 && char.IsAsciiHexDigit((char)Current)
                ? (value * 16) + int.Parse(((char)Current).ToString(), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                : throw new PatternException($"has an escape that needs {digits} hexadecimal digits");
        }

        return value;
    }

    private bool TryRead(int character)
    {
        if (Current != character)
        {
            return false;
        }

        _position++;
        return true;
    }
}
