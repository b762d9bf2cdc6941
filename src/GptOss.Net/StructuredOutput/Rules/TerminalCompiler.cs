using GptOss.Net.StructuredOutput.Lark;
using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>Turns the terminals of a grammar into automata over characters. Equal ones share an automaton.</summary>
internal sealed class TerminalCompiler(Dictionary<string, LarkDefinition> terminals, CancellationToken cancellationToken)
{
    private const int MaxReferences = 64;

    private readonly PatternBudget _budget = new(cancellationToken);
    private readonly Dictionary<object, int> _numbers = [];
    private readonly List<PatternAutomaton> _automata = [];
    private readonly Stack<string> _open = new(); // the terminals that are being written out

    /// <summary>The automata by their numbers.</summary>
    public IReadOnlyList<PatternAutomaton> Automata => _automata;

    /// <summary>Returns the number of what a rule names or spells out.</summary>
    /// <exception cref="LarkException">It is malformed, too large, or no text matches it.</exception>
    public int Compile(LarkExpression expression)
    {
        object key = expression switch
        {
            LarkName name => name.Name,
            LarkLiteral literal => (literal.Text, literal.IgnoresCase),
            LarkPattern pattern => (pattern.Pattern, pattern.IgnoresCase, pattern.DotIsAny),
            LarkRange range => (range.Low, range.High),
            _ => expression,
        };
        if (!_numbers.TryGetValue(key, out var number))
        {
            number = _automata.Count;
            _automata.Add(Build(expression));
            _numbers.Add(key, number);
        }

        return number;
    }

    private PatternAutomaton Build(LarkExpression expression)
    {
        try
        {
            return expression is LarkLiteral { IgnoresCase: false } literal
                ? PatternCompiler.CompileTexts([literal.Text], _budget)
                : PatternCompiler.CompileGraph(graph => Add(expression, graph), _budget);
        }
        catch (PatternException refused)
        {
            throw Refuse(expression.Place, refused);
        }
    }

    private static LarkException Refuse(LarkPlace place, PatternException refused) => new(place, $"the terminal {refused.Message}");

    private PatternFragment Add(LarkExpression expression, PatternGraph graph) => expression switch
    {
        LarkPattern pattern => AddPattern(pattern, graph),
        LarkName name => AddReference(name, graph),
        LarkChoice choice => AddChoice(choice.Alternatives, graph),
        _ => AddChoice([expression], graph),
    };

    private static PatternFragment AddPattern(LarkPattern pattern, PatternGraph graph)
    {
        try
        {
            return PatternParser.Parse(pattern.Pattern, graph, pattern.IgnoresCase, pattern.DotIsAny);
        }
        catch (PatternException refused)
        {
            throw Refuse(pattern.Place, refused);
        }
    }

    private PatternFragment AddReference(LarkName name, PatternGraph graph)
    {
        if (!name.IsTerminal)
        {
            throw new LarkException(
                name.Place, $"a terminal cannot refer to the rule '{name.Name}'; write it in capitals, or make the terminal a rule");
        }

        var definition = terminals.GetValueOrDefault(name.Name) ?? throw Undefined(name);
        if (_open.Contains(name.Name))
        {
            throw new LarkException(
                name.Place, $"the terminal '{name.Name}' refers to itself, which rules alone may do; write its name in lower case");
        }

        if (_open.Count == MaxReferences)
        {
            throw new LarkException(name.Place, $"terminals refer to each other more than {MaxReferences} deep; write some of them out");
        }

        _open.Push(name.Name);
        var fragment = Add(definition.Expression, graph);
        _open.Pop();
        return fragment;
    }

    /// <summary>What to say of a name that nothing defines.</summary>
    public static LarkException Undefined(LarkName name) => new(name.Place, CommonTerminals.Contains(name.Name)
        ? $"'{name.Name}' is not defined; write '%import common.{name.Name}' on a line of its own, or define it"
        : $"'{name.Name}' is not defined; write '{name.Name}: ...' on a line of its own");

    private PatternFragment AddChoice(IReadOnlyList<LarkExpression> alternatives, PatternGraph graph)
    {
        var group = new PatternGroup(graph);
        for (var i = 0; i < alternatives.Count; i++)
        {
            if (i > 0)
            {
                group.Alternate();
            }

            foreach (var item in alternatives[i] is LarkSequence sequence ? sequence.Items : [alternatives[i]])
            {
                Append(item, group, graph);
            }
        }

        return group.Close();
    }

    private void Append(LarkExpression item, PatternGroup group, PatternGraph graph)
    {
        switch (item)
        {
            case LarkRepeat repeat:
                group.Append(Add(repeat.Item, graph));
                group.RepeatLast(repeat.Least, repeat.Most);
                break;
            case LarkLiteral literal:
                foreach (var rune in literal.Text.EnumerateRunes())
                {
                    var character = CharacterSet.Of(rune.Value);
                    group.Append(graph.AddCharacter(literal.IgnoresCase ? character.WithBothCases() : character));
                }

                break;
            case LarkRange range:
                group.Append(graph.AddCharacter(new CharacterSet([new CharacterRange(range.Low, range.High)])));
                break;
            default:
                group.Append(Add(item, graph));
                break;
        }
    }
}
