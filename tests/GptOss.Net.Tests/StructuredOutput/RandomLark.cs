using System.Text;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>
/// A small random grammar: its text in Lark's notation, texts that are derived from it, and a recognizer that knows nothing of automata.
/// </summary>
internal sealed class RandomLark
{
    private const string Letters = "abc";

    private readonly Random _random;
    private readonly Part[] _rules;
    private readonly bool _ignoresSpaces;

    private RandomLark(Random random)
    {
        _random = random;
        _ignoresSpaces = random.Next(3) == 0;
        _rules = new Part[random.Next(1, 5)];
        for (var rule = 0; rule < _rules.Length; rule++)
        {
            // Each rule has an alternative without rules, so that each has a text.
            _rules[rule] = new Part(PartKind.Choice, [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => Sequence(2)), Terminal()]);
        }
    }

    private enum PartKind
    {
        Text,
        Range,
        Rule,
        Sequence,
        Choice,
        Repeat,
    }

    public static RandomLark Create(int seed) => new(new Random(seed));

    /// <summary>The grammar in Lark's notation.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (number, rule) in _rules.Index())
        {
            text.Append(number == 0 ? "start: " : $"r{number}: ").AppendJoin("\n  | ", rule.Parts.Select(Write)).Append('\n');
        }

        return text.Append(_ignoresSpaces ? "%ignore \" \"" : "").ToString();
    }

    /// <summary>A text that follows the grammar.</summary>
    public string Derive()
    {
        var text = new StringBuilder();
        Spaces(text);
        Derive(_rules[0], text, 12);
        return text.ToString();
    }

    /// <summary>Whether a text follows the grammar: the ends of all parts at all places, until nothing is added any more.</summary>
    public bool Accepts(string text)
    {
        var ends = _rules.Select(_ => Enumerable.Range(0, text.Length + 1).Select(_ => new HashSet<int>()).ToArray()).ToArray();
        for (var isChanged = true; isChanged;)
        {
            isChanged = false;
            for (var rule = 0; rule < _rules.Length; rule++)
            {
                for (var place = 0; place <= text.Length; place++)
                {
                    var before = ends[rule][place].Count;
                    ends[rule][place].UnionWith(Ends(_rules[rule], text, place, ends));
                    isChanged |= ends[rule][place].Count > before;
                }
            }
        }

        return SpaceEnds(text, 0).Any(place => ends[0][place].Contains(text.Length));
    }

    private Part Terminal() => _random.Next(4) == 0
        ? new Part(PartKind.Range, [], $"{Letters[_random.Next(2)]}c")
        : new Part(PartKind.Text, [], string.Concat(Enumerable.Range(0, _random.Next(1, 3)).Select(_ => Letters[_random.Next(3)])));

    private Part Sequence(int depth) =>
        new(PartKind.Sequence, [.. Enumerable.Range(0, _random.Next(0, 4)).Select(_ => Any(depth - 1))]);

    private Part Any(int depth) => _random.Next(depth > 0 ? 8 : 5) switch
    {
        < 2 => Terminal(),
        < 5 => new Part(PartKind.Rule, [], Number: _random.Next(_rules.Length)),
        5 => new Part(PartKind.Choice, [Sequence(depth), Sequence(depth)]),
        6 => Sequence(depth),
        _ => _random.Next(4) switch
        {
            0 => new Part(PartKind.Repeat, [Any(depth - 1)], Number: 0, Most: 1),
            1 => new Part(PartKind.Repeat, [Any(depth - 1)], Number: 0),
            2 => new Part(PartKind.Repeat, [Any(depth - 1)], Number: 1),
            _ => new Part(PartKind.Repeat, [Any(depth - 1)], Number: _random.Next(2), Most: 2),
        },
    };

    private static string Write(Part part) => part.Kind switch
    {
        PartKind.Text => $"\"{part.Text}\"",
        PartKind.Range => $"\"{part.Text[0]}\"..\"{part.Text[1]}\"",
        PartKind.Rule => part.Number == 0 ? "start" : $"r{part.Number}",
        PartKind.Sequence => string.Join(' ', part.Parts.Select(Group)),
        PartKind.Choice => string.Join(" | ", part.Parts.Select(Write)),
        _ => $"({Write(part.Parts[0])})" + (part.Number, part.Most) switch
        {
            (0, 1) => "?",
            (0, null) => "*",
            (1, null) => "+",
            _ => $"~{part.Number}..{part.Most}",
        },
    };

    private static string Group(Part part) => part.Kind is PartKind.Choice or PartKind.Sequence ? $"({Write(part)})" : Write(part);

    private void Spaces(StringBuilder text)
    {
        if (_ignoresSpaces && _random.Next(4) == 0)
        {
            text.Append(' ', _random.Next(1, 3));
        }
    }

    private void Derive(Part part, StringBuilder text, int height)
    {
        switch (part.Kind)
        {
            case PartKind.Text:
                text.Append(part.Text);
                Spaces(text);
                break;
            case PartKind.Range:
                text.Append((char)_random.Next(part.Text[0], part.Text[1] + 1));
                Spaces(text);
                break;
            case PartKind.Rule when height <= 0:
                Derive(_rules[part.Number].Parts[^1], text, 0);
                break;
            case PartKind.Rule:
                Derive(_rules[part.Number], text, height - 1);
                break;
            case PartKind.Sequence:
                Array.ForEach(part.Parts, item => Derive(item, text, height - part.Parts.Length));
                break;
            case PartKind.Choice:
                Derive(part.Parts[_random.Next(part.Parts.Length)], text, height);
                break;
            default:
                for (var times = _random.Next(part.Number, (part.Most ?? 3) + 1); times > 0; times--)
                {
                    Derive(part.Parts[0], text, height - 2);
                }

                break;
        }
    }

    private IEnumerable<int> SpaceEnds(string text, int place)
    {
        yield return place;
        while (_ignoresSpaces && place < text.Length && text[place] == ' ')
        {
            yield return ++place;
        }
    }

    private IEnumerable<int> Ends(Part part, string text, int place, HashSet<int>[][] ends) => part.Kind switch
    {
        PartKind.Text => string.CompareOrdinal(text, place, part.Text, 0, part.Text.Length) == 0
            ? SpaceEnds(text, place + part.Text.Length)
            : [],
        PartKind.Range => place < text.Length && text[place] >= part.Text[0] && text[place] <= part.Text[1]
            ? SpaceEnds(text, place + 1)
            : [],
        PartKind.Rule => [.. ends[part.Number][place]],
        PartKind.Sequence => part.Parts.Aggregate(
            new HashSet<int> { place }, (places, item) => [.. places.SelectMany(from => Ends(item, text, from, ends))]),
        PartKind.Choice => part.Parts.SelectMany(item => Ends(item, text, place, ends)),
        _ => Repeated(part, text, place, ends),
    };

    private HashSet<int> Repeated(Part part, string text, int place, HashSet<int>[][] ends)
    {
        var (all, last) = (new HashSet<int>(), new HashSet<int> { place });
        var bound = part.Most ?? part.Number + text.Length + 1;
        for (var times = 0; times <= bound; times++)
        {
            if (times >= part.Number)
            {
                all.UnionWith(last);
            }

            last = [.. last.SelectMany(from => Ends(part.Parts[0], text, from, ends))];
        }

        return all;
    }

    private sealed record Part(PartKind Kind, Part[] Parts, string Text = "", int Number = 0, int? Most = null);
}
