using System.Text;
using System.Text.RegularExpressions;
using Spectre.Console;

namespace ConsoleChat;

/// <summary>
/// Styles Markdown while it comes: headings, lists, bold, italics and code. What a mark means is decided by what follows it, so marks wait
/// for the next piece of text; everything else is written at once.
/// </summary>
/// <param name="write">Writes a text in a style; the texts together are the answer without its marks.</param>
internal sealed partial class MarkdownWriter(Action<string, Style> write)
{
    private static readonly Style Code = new(Color.Teal);
    private static readonly Style Quiet = new(Color.Grey);

    private readonly StringBuilder _held = new();
    private bool _isLineStart = true;
    private bool _isFenced;
    private bool _isHeading;
    private bool _isBold;
    private bool _isItalic;
    private bool _isCode;
    private bool _isEnding;
    private char _before = '\n';

    /// <summary>Writes the next piece of the text.</summary>
    public void Write(string text)
    {
        foreach (var character in text)
        {
            _held.Append(character);
            while (_held.Length > 0 && TryTake())
            {
            }
        }
    }

    /// <summary>Writes what still waits, as at the end of a line.</summary>
    public void End()
    {
        _isEnding = true;
        Write("\n");
        _isEnding = false;
    }

    // Takes one element from what is held; false when it takes more text to know what it is.
    private bool TryTake() => _isLineStart ? TryTakeLineStart() : _isFenced ? TakePlain() : TryTakeInline();

    private bool TryTakeLineStart()
    {
        var held = _held.ToString();
        if ((_isFenced ? MaybeFence() : MaybeStart()).IsMatch(held))
        {
            return false;
        }

        _isLineStart = false;
        if (Fence().IsMatch(held))
        {
            _isFenced = !_isFenced;
            return Take(held.Length, held.Trim() is ['`', '`', '`', .. { Length: > 0 } language] ? $"{language}\n" : "", Quiet);
        }

        if (!_isFenced && Heading().Match(held) is { Success: true } heading)
        {
            _isHeading = true;
            return Take(heading.Length, "");
        }

        return _isFenced || !Bullet().IsMatch(held) || Take(held.Length, held[..^2] + "• ");
    }

    private bool TakePlain() => Take(1, _held.ToString(0, 1));

    private bool TryTakeInline()
    {
        var mark = _held[0];
        if (mark is not ('*' or '`' or '\\') || (_isCode && mark != '`'))
        {
            return TakePlain();
        }

        var run = 1;
        while (run < _held.Length && _held[run] == mark && mark != '\\')
        {
            run++;
        }

        if (run == _held.Length)
        {
            return false;
        }

        var next = _held[run];
        return mark switch
        {
            '\\' => char.IsPunctuation(next) || char.IsSymbol(next) ? Take(2, next.ToString()) : TakePlain(),
            '`' => Toggle(ref _isCode, run == 1, run, next),
            _ when run == 1 => Toggle(ref _isItalic, _isItalic || !char.IsLetterOrDigit(_before), run, next),
            _ => Toggle(ref _isBold, run == 2, run, next),
        };
    }

    // Opens before a letter, and closes anywhere; what does neither is text.
    private bool Toggle(ref bool state, bool isMark, int run, char next)
    {
        if (!isMark || (!state && char.IsWhiteSpace(next)))
        {
            return Take(run, _held.ToString(0, run));
        }

        state = !state;
        return Take(run, "");
    }

    private bool Take(int count, string shown, Style? style = null)
    {
        var last = _held[count - 1];
        _held.Remove(0, count);
        Put(_isEnding && shown == "\n" ? "" : shown, style);
        _before = last;
        if (last == '\n')
        {
            _isLineStart = true;
            _isHeading = _isBold = _isItalic = _isCode = false;
        }

        return true;
    }

    private void Put(string text, Style? style = null)
    {
        if (text.Length > 0)
        {
            var weight = _isHeading || _isBold ? Decoration.Bold : Decoration.None;
            var slant = _isItalic ? Decoration.Italic : Decoration.None;
            write(text, style ?? (_isFenced || _isCode ? Code : new Style(decoration: weight | slant)));
        }
    }

    [GeneratedRegex(@"^ *(?:#{1,6}|[-*+]|`{1,3}|```[^`\n]*)?\z")]
    private static partial Regex MaybeStart();

    [GeneratedRegex(@"^ *(?:`{1,3})? *\z")]
    private static partial Regex MaybeFence();

    [GeneratedRegex(@"^ *```[^`\n]*\n\z")]
    private static partial Regex Fence();

    [GeneratedRegex("^#{1,6} ")]
    private static partial Regex Heading();

    [GeneratedRegex(@"^ *[-*+] \z")]
    private static partial Regex Bullet();
}
