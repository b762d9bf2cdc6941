using System.Runtime.InteropServices;

namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>What a text led to, before it is known what may begin there: equal kernels are equal states.</summary>
internal sealed class RuleKernel(RuleNetwork network)
{
    /// <summary>How many readings of a text are followed at once. Others are given up, which is never a dead end.</summary>
    private const int MaxReadings = 1_000;

    private readonly HashSet<RulePlace> _places = [];
    private readonly HashSet<RuleThread> _threads = [];

    /// <summary>Places between terminals; none where a rule must end.</summary>
    public IReadOnlyCollection<RulePlace> Places => _places;

    /// <summary>Terminals that were begun and may go on.</summary>
    public IReadOnlyCollection<RuleThread> Threads => _threads;

    /// <summary>Whether the text may end.</summary>
    public bool EndsText { get; private set; }

    /// <summary>Takes one more character in a terminal, if it may have it.</summary>
    public void Advance(RuleThread thread, int character)
    {
        var automaton = thread.Scan.Automaton;
        var state = automaton.Next(thread.State, character);
        if (state < 0 || _places.Count + _threads.Count >= MaxReadings)
        {
            return;
        }

        if (automaton.Steps(state).Length > 0)
        {
            _threads.Add(thread with { State = state });
        }

        if (automaton.IsAccepting(state))
        {
            Add(new RulePlace(thread.Scan.Target, thread.Return));
        }
    }

    /// <summary>Adds a place; where its rule must end, what follows the rule.</summary>
    public void Add(RulePlace place)
    {
        if (!network.MustEnd(place.Node))
        {
            _places.Add(place);
            return;
        }

        EndsText |= place.Return.EndsText;
        _places.UnionWith(place.Return.Places);
    }

    /// <summary>A key that equal kernels have alone.</summary>
    public string Key() => KeyOf(
        EndsText,
        [
            .. _places.Select(place => Part(place.Node, place.Return)),
            .. _threads.Select(thread => Part(thread.Scan.FirstCode + thread.State, thread.Return)),
        ]);

    /// <summary>A key that equal return points have alone.</summary>
    public static string Key(ReturnPoint end) =>
        KeyOf(end.EndsText, [.. end.Places.Select(place => Part(place.Node, place.Return))]);

    private static string KeyOf(bool endsText, long[] parts)
    {
        Array.Sort(parts);
        return (endsText ? "." : "") + new string(MemoryMarshal.Cast<long, char>(parts));
    }

    // A number that equal places with equal ends have alone.
    private static long Part(int code, ReturnPoint end) => ((long)code << 32) | (uint)end.Id;
}
