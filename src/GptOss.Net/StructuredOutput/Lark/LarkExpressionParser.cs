using System.Globalization;
using System.Text;

namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>Reads what rules and terminals stand for.</summary>
internal sealed class LarkExpressionParser(LarkCursor cursor)
{
    private const int MaxGroups = 64;

    private int _groups; // that are open

    /// <summary>Reads alternatives up to the end of their line or group.</summary>
    /// <exception cref="LarkException">They are malformed.</exception>
    public LarkExpression ParseChoice()
    {
        var place = cursor.Current.Place;
        var alternatives = new List<LarkExpression>();
        do
        {
            alternatives.Add(ParseSequence());
        }
        while (TryTakeBar());

        return alternatives.Count == 1 ? alternatives[0] : new LarkChoice(alternatives, place);
    }

    // A bar may begin the next line.
    private bool TryTakeBar()
    {
        var here = cursor.Position;
        cursor.SkipNewLines();
        if (cursor.TryTake("|"))
        {
            return true;
        }

        cursor.Position = here;
        return false;
    }

    private LarkSequence ParseSequence()
    {
        var place = cursor.Current.Place;
        var items = new List<LarkExpression>();
        while (true)
        {
            if (_groups > 0)
            {
                cursor.SkipNewLines();
            }

            if (cursor.Current.Kind is not (LarkTokenKind.Name or LarkTokenKind.Literal or LarkTokenKind.Pattern)
                && !cursor.Current.Is("(") && !cursor.Current.Is("["))
            {
                break;
            }

            items.Add(ParseItem());
        }

        if (cursor.TryTake("->") && cursor.Take() is { Kind: not LarkTokenKind.Name } alias)
        {
            throw new LarkException(alias.Place, "a name must follow '->'; write one, or remove it: it changes no text");
        }

        return new LarkSequence(items, place);
    }

    private LarkExpression ParseItem()
    {
        var place = cursor.Current.Place;
        var item = ParseAtom();
        if (cursor.TryTake("?"))
        {
            return new LarkRepeat(item, 0, 1, place);
        }

        if (cursor.TryTake("*"))
        {
            return new LarkRepeat(item, 0, null, place);
        }

        if (cursor.TryTake("+"))
        {
            return new LarkRepeat(item, 1, null, place);
        }

        if (!cursor.TryTake("~"))
        {
            return item;
        }

        var (number, least) = (cursor.Current, ParseNumber());
        var most = cursor.TryTake("..") ? ParseNumber() : least;
        return least <= most
            ? new LarkRepeat(item, least, most, place)
            : throw new LarkException(number.Place, $"{least} to {most} times; put the smaller number first");
    }

    private int ParseNumber()
    {
        var number = cursor.Take();
        return number.Kind == LarkTokenKind.Number && int.TryParse(number.Text, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new LarkException(number.Place, $"a number must follow '~'; write '~3' or '~1..3', not {number}");
    }

    private LarkExpression ParseAtom()
    {
        var token = cursor.Take();
        if (token.Is("(") || token.Is("["))
        {
            return ParseGroup(token);
        }

        if (token.Kind == LarkTokenKind.Pattern)
        {
            return ParsePattern(token);
        }

        if (token.Kind == LarkTokenKind.Literal)
        {
            return cursor.TryTake("..") ? ParseRange(token) : new LarkLiteral(token.Text, token.Flags.Length > 0, token.Place);
        }

        LarkCursor.CheckName(token);
        return cursor.Current.Is("{") ? throw LarkCursor.Unexpected(cursor.Current) : new LarkName(token.Text, token.Place);
    }

    private LarkExpression ParseGroup(LarkToken opening)
    {
        if (++_groups > MaxGroups)
        {
            throw new LarkException(opening.Place, $"groups nest more than {MaxGroups} deep; make rules of the inner ones");
        }

        var group = ParseChoice();
        cursor.SkipNewLines();
        var isOption = opening.Is("[");
        cursor.Expect(isOption ? "]" : ")", cursor.Current.Kind == LarkTokenKind.End || cursor.Current.Text is ")" or "]" or ":"
            ? $"the group that begins with {opening} at line {opening.Place.Line}, column {opening.Place.Column} has no end before "
                + $"{cursor.Current}; write '{(isOption ? "]" : ")")}'"
            : LarkCursor.Unexpected(cursor.Current).Message);
        _groups--;
        return isOption ? new LarkRepeat(group, 0, 1, opening.Place) : group;
    }

    private LarkRange ParseRange(LarkToken low)
    {
        var high = cursor.Take();
        return high.Kind == LarkTokenKind.Literal && (low.Flags + high.Flags).Length == 0
            && CodePoint(low.Text) is { } first && CodePoint(high.Text) is { } last && first <= last
            ? new LarkRange(first, last, low.Place)
            : throw new LarkException(
                low.Place, $"a range goes from one character to a later one; write \"a\"..\"z\", not {low}..{high}");
    }

    private static int? CodePoint(string text) =>
        text.EnumerateRunes().ToArray() is [var rune] && rune != Rune.ReplacementChar ? rune.Value : null;

    private static LarkPattern ParsePattern(LarkToken token)
    {
        foreach (var flag in token.Flags)
        {
            if (flag is not ('i' or 's' or 'u'))
            {
                throw new LarkException(
                    token.Place,
                    $"the flag '{flag}' of a regular expression is not supported; there are i (either case) and s ('.' is any character)");
            }
        }

        return new LarkPattern(token.Text, token.Flags.Contains('i'), token.Flags.Contains('s'), token.Place);
    }
}
