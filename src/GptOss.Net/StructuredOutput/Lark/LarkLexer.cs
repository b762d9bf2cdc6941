using System.Globalization;
using System.Text;

namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>Cuts the text of a grammar into words.</summary>
internal sealed class LarkLexer
{
    private static readonly string[] Symbols = ["->", "..", ":", "|", "(", ")", "[", "]", "{", "}", "?", "*", "+", "~", ",", ".", "!"];

    private readonly string _text;
    private readonly List<LarkToken> _tokens = [];
    private int _position;
    private int _line = 1;
    private int _lineStart;

    private LarkLexer(string text) => _text = text;

    private LarkPlace Here => new(_line, _position - _lineStart + 1);

    /// <summary>Returns the words; the last one is the end.</summary>
    /// <exception cref="LarkException">Something is no word.</exception>
    public static IReadOnlyList<LarkToken> Read(string text)
    {
        var lexer = new LarkLexer(text);
        while (lexer._position < text.Length)
        {
            lexer.ReadOne();
        }

        lexer.Add(LarkTokenKind.End, "", lexer.Here);
        return lexer._tokens;
    }

    private char Peek(int ahead) => _position + ahead < _text.Length ? _text[_position + ahead] : '\0';

    private void Add(LarkTokenKind kind, string text, LarkPlace place, string flags = "") => _tokens.Add(new(kind, text, flags, place));

    private void ReadOne()
    {
        var (place, next) = (Here, Peek(0));
        switch (next)
        {
            case '\n':
                Add(LarkTokenKind.NewLine, "\n", place);
                EndLine();
                break;
            case ' ' or '\t' or '\r' or '\f' or '\uFEFF':
                _position++;
                break;
            case '#':
            case '/' when Peek(1) == '/':
                _position = _text.IndexOf('\n', _position) is var end and >= 0 ? end : _text.Length;
                break;
            case '"':
                ReadLiteral(place);
                break;
            case '/':
                ReadPattern(place);
                break;
            case '%':
                _position++;
                Add(LarkTokenKind.Directive, "%" + ReadWhile(char.IsAsciiLetter), place);
                break;
            case >= '0' and <= '9':
                Add(LarkTokenKind.Number, ReadWhile(char.IsAsciiDigit), place);
                break;
            default:
                ReadNameOrSymbol(place, next);
                break;
        }
    }

    private void ReadNameOrSymbol(LarkPlace place, char next)
    {
        if (IsOfName(next))
        {
            Add(LarkTokenKind.Name, ReadWhile(IsOfName), place);
            return;
        }

        var symbol = Array.Find(Symbols, symbol => _text.AsSpan(_position).StartsWith(symbol, StringComparison.Ordinal));
        if (symbol is not null)
        {
            Add(LarkTokenKind.Symbol, symbol, place);
            _position += symbol.Length;
            return;
        }

        throw new LarkException(place, next switch
        {
            '\'' => "texts stand in double quotation marks; write \"...\"",
            '=' => "a rule's name and what it stands for are parted by a colon; write ':'",
            '\\' => "a line cannot be continued by a backslash; begin the next one with '|', or put it in parentheses",
            _ => $"'{(Rune.TryGetRuneAt(_text, _position, out var rune) ? rune : Rune.ReplacementChar)}' has no meaning here; "
                + "a text stands in quotation marks, a regular expression between slashes",
        });
    }

    private static bool IsOfName(char character) => char.IsAsciiLetterOrDigit(character) || character == '_';

    private string ReadWhile(Func<char, bool> belongs)
    {
        var start = _position;
        while (_position < _text.Length && belongs(_text[_position]))
        {
            _position++;
        }

        return _text[start.._position];
    }

    private void EndLine()
    {
        _position++;
        _line++;
        _lineStart = _position;
    }

    private void ReadLiteral(LarkPlace place)
    {
        _position++;
        var text = new StringBuilder();
        while (Peek(0) != '"')
        {
            if (_position >= _text.Length || Peek(0) == '\n')
            {
                throw new LarkException(
                    place, "a text has no closing quotation mark in its line; write one, and '\\n' for the end of a line");
            }

            if (Peek(0) == '\\')
            {
                ReadEscape(text);
            }
            else
            {
                text.Append(_text[_position++]);
            }
        }

        _position++;
        var flags = Peek(0) == 'i' && !IsOfName(Peek(1)) ? "i" : "";
        _position += flags.Length;
        Add(LarkTokenKind.Literal, text.ToString(), place, flags);
    }

    private void ReadEscape(StringBuilder text)
    {
        var (place, letter) = (Here, Peek(1));
        _position += 2;
        switch (letter)
        {
            case '"' or '\\' or '/' or '\'':
                text.Append(letter);
                break;
            case 'n' or 'r' or 't' or 'f' or 'v':
                text.Append(letter switch { 'n' => '\n', 'r' => '\r', 't' => '\t', 'f' => '\f', _ => '\v' });
                break;
            case 'x' or 'u' or 'U':
                text.Append(ReadCodePoint(place, letter switch { 'x' => 2, 'u' => 4, _ => 8 }));
                break;
            default:
                throw new LarkException(
                    place,
                    $"'\\{letter}' is no escape; write '\\\\' for a backslash, or \\\" \\n \\r \\t \\f \\v \\xHH \\uHHHH \\UHHHHHHHH");
        }
    }

    private Rune ReadCodePoint(LarkPlace place, int digits)
    {
        var hexadecimal = _text.AsSpan(Math.Min(_position, _text.Length), Math.Min(digits, Math.Max(0, _text.Length - _position)));
        _position += hexadecimal.Length;
        return hexadecimal.Length == digits
            && int.TryParse(hexadecimal, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            && Rune.IsValid(value)
            ? new Rune(value)
            : throw new LarkException(
                place, $"'{hexadecimal}' are not {digits} hexadecimal digits of a character; beyond U+FFFF write \\U and 8 digits");
    }

    private void ReadPattern(LarkPlace place)
    {
        var start = ++_position;
        while (Peek(0) != '/')
        {
            if (_position >= _text.Length || Peek(0) == '\n')
            {
                throw new LarkException(
                    place, "a regular expression has no closing slash in its line; write one, and '\\/' for a slash in it");
            }

            _position += Peek(0) == '\\' && Peek(1) is not ('\n' or '\0') ? 2 : 1;
        }

        var pattern = _text[start.._position];
        _position++;
        Add(LarkTokenKind.Pattern, pattern, place, ReadWhile(char.IsAsciiLetterLower));
    }
}
