namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>Reads the regular part of ECMAScript's regular expressions. Not recursive: groups may nest as deep as they like.</summary>
internal sealed class PatternParser
{
    private readonly PatternCursor _cursor;
    private readonly CharacterParser _characters;
    private readonly PatternGraph _graph;
    private readonly Stack<(PatternGroup Group, Func<PatternFragment, PatternLook>? Look)> _groups = new();

    private readonly bool _ignoresCase;
    private readonly CharacterSet _dot;

    private PatternParser(string pattern, PatternGraph graph, bool ignoresCase, bool dotIsAny)
    {
        graph.Budget.SpendCharacters(pattern.Length);
        _cursor = new PatternCursor(pattern);
        _characters = new CharacterParser(_cursor, ignoresCase);
        _graph = graph;
        _ignoresCase = ignoresCase;
        _dot = dotIsAny ? CharacterSet.Usable : CharacterSet.Dot;
    }

    /// <summary>Adds a pattern to a graph.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="graph">The graph.</param>
    /// <param name="ignoresCase">Whether a letter stands for itself in either case.</param>
    /// <param name="dotIsAny">Whether a full stop stands for line ends, too.</param>
    /// <exception cref="PatternException">The pattern is malformed, is not regular, or is too large.</exception>
    public static PatternFragment Parse(string pattern, PatternGraph graph, bool ignoresCase = false, bool dotIsAny = false) =>
        new PatternParser(pattern, graph, ignoresCase, dotIsAny).Parse();

    private PatternFragment Parse()
    {
        _groups.Push((new PatternGroup(_graph), null));
        while (_cursor.Current >= 0)
        {
            ParseElement(_cursor.Read());
        }

        return _groups.Count == 1
            ? _groups.Pop().Group.Close()
            : throw new PatternException("has an opening parenthesis without a closing one");
    }

    private void ParseElement(int character)
    {
        var group = _groups.Peek().Group;
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
                group.Append(_graph.AddCharacter(_dot));
                break;
            case '[':
                group.Append(_graph.AddCharacter(_characters.ParseClass()));
                break;
            case '\\' when _cursor.Current is 'b' or 'B':
                group.Append(_graph.AddWordBoundary(isNegated: _cursor.Read() == 'B'), canRepeat: false);
                break;
            case '\\':
                AppendCharacter(_characters.ParseEscape());
                break;
            default:
                AppendCharacter(CharacterSet.Of(character));
                break;
        }
    }

    private void AppendCharacter(CharacterSet set) =>
        _groups.Peek().Group.Append(_graph.AddCharacter(_ignoresCase ? set.WithBothCases() : set));

    private void OpenGroup()
    {
        Func<PatternFragment, PatternLook>? look = null;
        if (_cursor.Current == '?')
        {
            _cursor.Read();
            look = ReadGroupKind();
        }

        _groups.Push((new PatternGroup(_graph), look));
    }

    private Func<PatternFragment, PatternLook>? ReadGroupKind()
    {
        if (_cursor.TryRead(':'))
        {
            return null;
        }

        var isBehind = _cursor.TryRead('<');
        if (_cursor.Current is '=' or '!')
        {
            var isNegative = _cursor.Read() == '!';
            return fragment => new PatternLook(fragment, isBehind, isNegative);
        }

        if (!isBehind)
        {
            throw new PatternException("has an inline option or an atomic group, which cannot be enforced; remove it");
        }

        while (_cursor.Current >= 0 && !_cursor.TryRead('>'))
        {
            _cursor.Read();
        }

        return null;
    }

    private void CloseGroup()
    {
        if (_groups.Count == 1)
        {
            throw new PatternException("has a closing parenthesis without an opening one");
        }

        var (group, look) = _groups.Pop();
        var fragment = group.Close();
        if (look is null)
        {
            _groups.Peek().Group.Append(fragment);
        }
        else
        {
            _groups.Peek().Group.Append(_graph.AddLook(look(fragment)), canRepeat: false);
        }
    }

    private void Repeat(int least, int? most)
    {
        if (most < least)
        {
            throw new PatternException($"has a quantifier of {least} to {most}; put the smaller number first");
        }

        _groups.Peek().Group.RepeatLast(least, most);
        _cursor.TryRead('?');
    }

    private bool TryReadBounds(out int least, out int? most)
    {
        var start = _cursor.Position;
        most = null;
        if (TryReadNumber(out least))
        {
            most = least;
            if (_cursor.TryRead(','))
            {
                most = TryReadNumber(out var second) ? second : null;
            }

            if (_cursor.TryRead('}'))
            {
                return true;
            }
        }

        _cursor.Return(start);
        return false;
    }

    private bool TryReadNumber(out int number)
    {
        number = 0;
        var start = _cursor.Position;
        while (_cursor.Current is >= '0' and <= '9')
        {
            number = Math.Min(PatternBudget.MaxNodes + 1, (number * 10) + _cursor.Read() - '0');
        }

        return _cursor.Position > start;
    }
}
