using System.Text;

namespace GptOss.Net.Sampling;

/// <summary>Finds stop sequences in text that arrives in pieces, and withholds what may be the beginning of one.</summary>
/// <remarks>
/// An Aho-Corasick automaton, linear in the text. The sequence complete first counts; of those complete at the same character the longest.
/// </remarks>
internal sealed class StopSequenceMatcher
{
    private readonly Dictionary<(int State, char Next), int> _edges = [];

    // Per state, that is per prefix of a sequence: its length, its longest proper suffix that is a state, and the length of the longest
    // sequence that it ends with, or 0.
    private readonly List<(int Length, int Suffix, int Match)> _states = [(0, 0, 0)];
    private readonly StringBuilder _withheld = new();
    private int _state;

    /// <param name="sequences">Not empty ones.</param>
    public StopSequenceMatcher(IReadOnlyList<string> sequences)
    {
        foreach (var sequence in sequences)
        {
            Insert(sequence);
        }

        LinkSuffixes();
    }

    /// <summary>Gets a value indicating whether a stop sequence was found; all further text is swallowed.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Takes the next piece of text; returns what is now known to precede any stop sequence.</summary>
    public string Append(string piece)
    {
        if (IsStopped)
        {
            return "";
        }

        var alreadyWithheld = _withheld.Length;
        for (var i = 0; i < piece.Length; i++)
        {
            _state = Next(_state, piece[i]);
            if (_states[_state].Match is var match and > 0)
            {
                IsStopped = true;
                _withheld.Append(piece, 0, i + 1);
                _withheld.Length -= match;
                return Release(_withheld.Length);
            }
        }

        if (alreadyWithheld == 0 && _state == 0)
        {
            return piece;
        }

        _withheld.Append(piece);
        return Release(_withheld.Length - _states[_state].Length);
    }

    /// <summary>Ends the text: returns what was withheld, and begins anew.</summary>
    public string Flush()
    {
        var rest = IsStopped ? "" : Release(_withheld.Length);
        _withheld.Clear();
        _state = 0;
        IsStopped = false;
        return rest;
    }

    private string Release(int count)
    {
        var text = _withheld.ToString(0, count);
        _withheld.Remove(0, count);
        return text;
    }

    private int Next(int state, char next)
    {
        int target;
        while (!_edges.TryGetValue((state, next), out target) && state != 0)
        {
            state = _states[state].Suffix;
        }

        return target;
    }

    private void Insert(string sequence)
    {
        var state = 0;
        foreach (var next in sequence)
        {
            if (!_edges.TryGetValue((state, next), out var target))
            {
                target = _states.Count;
                _edges.Add((state, next), target);
                _states.Add((_states[state].Length + 1, 0, 0));
            }

            state = target;
        }

        _states[state] = _states[state] with { Match = sequence.Length };
    }

    private void LinkSuffixes()
    {
        // By length, so that the suffixes a state needs are already linked.
        foreach (var ((parent, next), state) in _edges.OrderBy(edge => _states[edge.Value].Length))
        {
            var suffix = parent == 0 ? 0 : Next(_states[parent].Suffix, next);
            var match = Math.Max(_states[state].Match, _states[suffix].Match);
            _states[state] = _states[state] with { Suffix = suffix, Match = match };
        }
    }
}
