using System.Runtime.CompilerServices;
using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>Between the characters of a text that follows rules: all readings of it at once. Equal ones are one object.</summary>
internal sealed record RuleText : CharacterText
{
    private readonly RuleAutomaton _automaton;
    private readonly RuleThread[] _threads;
    private readonly bool _isAccepting;
    private RuleSteps? _steps; // made when they are needed first, and again after they were forgotten

    public RuleText(RuleAutomaton automaton, RuleThread[] threads, bool isAccepting) =>
        (_automaton, _threads, _isAccepting) = (automaton, threads, isAccepting);

    public override bool IsAccepting => _isAccepting;

    public override bool MustEnd => _threads.Length == 0;

    /// <summary>The number of terminals that were begun or may begin.</summary>
    public int ThreadCount => _threads.Length;

    /// <summary>Forgets what follows, so that its memory can be freed.</summary>
    public void Forget() => _steps = null;

    public override bool HasNext(CharacterRange range) => Steps().HasNext(range);

    public override CharacterText? After(int character)
    {
        var steps = Steps();
        var range = steps.Find(character);
        return range < 0 ? null : steps[range] ??= Advance(character);
    }

    public bool Equals(RuleText? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

    private RuleSteps Steps()
    {
        if (_steps is { } known)
        {
            return known;
        }

        var steps = RuleSteps.Create(_threads);
        _automaton.Remember(this, steps.Count);
        return _steps = steps;
    }

    private RuleText Advance(int character)
    {
        var kernel = _automaton.CreateKernel();
        foreach (var thread in _threads)
        {
            kernel.Advance(thread, character);
        }

        return _automaton.TextOf(kernel);
    }
}
