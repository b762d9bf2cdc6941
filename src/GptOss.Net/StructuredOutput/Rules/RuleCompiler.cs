using GptOss.Net.StructuredOutput.Lark;

namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>Turns the rules of a grammar into a network of places with edges between them.</summary>
internal sealed class RuleCompiler
{
    private const string StartRule = "start";
    private const int MaxRules = 1_000;
    private const int MaxNodes = 20_000;
    private const int MaxEdges = 50_000;

    private readonly LarkDefinitions _definitions;
    private readonly TerminalCompiler _terminals;
    private readonly Dictionary<string, int> _rules = new(StringComparer.Ordinal);
    private readonly List<RuleNode> _nodes = [];
    private readonly Dictionary<int, int> _spaces = []; // by the place behind what may be ignored
    private readonly int _ignored; // the number of a terminal, or -1
    private LarkPlace _place; // of the rule that is being compiled
    private int _edges; // written out so far

    private RuleCompiler(LarkDefinitions definitions, CancellationToken cancellationToken)
    {
        _definitions = definitions;
        _terminals = new TerminalCompiler(definitions.Terminals, cancellationToken);
        _ignored = definitions.Ignored.Count == 0
            ? -1
            : _terminals.Compile(new LarkChoice(definitions.Ignored, definitions.Ignored[0].Place));
    }

    /// <exception cref="LarkException">A name is not defined, a rule has no text, or there is too much of something.</exception>
    public static RuleNetwork Compile(LarkDefinitions definitions, CancellationToken cancellationToken)
    {
        if (!definitions.Rules.ContainsKey(StartRule))
        {
            throw new LarkException(new LarkPlace(1, 1), "no rule is named 'start', with which a text begins; write 'start: ...'");
        }

        return new RuleCompiler(definitions, cancellationToken).Compile();
    }

    private RuleNetwork Compile()
    {
        foreach (var name in _definitions.Rules.Keys)
        {
            _rules.Add(name, _rules.Count);
        }

        if (_rules.Count > MaxRules)
        {
            throw new LarkException(new LarkPlace(1, 1), $"there are {_rules.Count} rules and may be {MaxRules}; make terminals of some");
        }

        var starts = new int[_rules.Count];
        foreach (var (number, definition) in _definitions.Rules.Values.Index())
        {
            starts[number] = CompileRule(number, definition);
        }

        var root = AddNode();
        var end = AddNode();
        _nodes[end].IsEnd = true;
        Link(root, ~_rules[StartRule], end);
        if (_ignored >= 0)
        {
            Link(root, _ignored, root);
        }

        CheckUnusedTerminals();
        var network = RuleNetwork.Create(_nodes, root, starts, _terminals.Automata);
        foreach (var (number, definition) in _definitions.Rules.Values.Index())
        {
            if (network.Need(network.Start(number)) > RuleNetwork.MaxDepth)
            {
                throw new LarkException(
                    definition.Place,
                    $"the rule '{definition.Name}' has no text of at most {RuleNetwork.MaxDepth} levels: each of its alternatives needs "
                    + "itself again; add one that ends");
            }
        }

        return network;
    }

    // A wrong terminal is told even where no rule names it yet.
    private void CheckUnusedTerminals()
    {
        foreach (var definition in _definitions.Terminals.Values)
        {
            _terminals.Compile(new LarkName(definition.Name, definition.Place));
        }
    }

    private int CompileRule(int number, LarkDefinition definition)
    {
        _place = definition.Place;
        var first = _nodes.Count;
        var (start, end) = (AddNode(), AddNode());
        _nodes[end].IsEnd = true;
        var entry = AddNode();
        _nodes[start].Free.Add(entry);
        Add(definition.Expression, entry, end);
        FreeEdges.WriteOut(_nodes, first, count => SpendEdges(count, definition.Place));
        LeftRecursion.Rewrite(_nodes, first, start, ~number);
        return start;
    }

    private void SpendEdges(int count, LarkPlace place)
    {
        _edges += count;
        if (_edges > MaxEdges)
        {
            throw new LarkException(
                place, $"the rules need more than {MaxEdges} steps with repetitions written out; make the numbers behind '~' smaller");
        }
    }

    private int AddNode()
    {
        if (_nodes.Count == MaxNodes)
        {
            throw new LarkException(
                _place, $"the rules need more than {MaxNodes} places with repetitions written out; make the numbers behind '~' smaller");
        }

        _nodes.Add(new RuleNode());
        return _nodes.Count - 1;
    }

    private void Link(int from, int symbol, int to) => _nodes[from].Edges.Add(new RuleEdge(symbol, to));

    private void Add(LarkExpression expression, int from, int to)
    {
        switch (expression)
        {
            case LarkSequence sequence:
                AddSequence(sequence.Items, from, to);
                break;
            case LarkChoice choice:
                foreach (var alternative in choice.Alternatives)
                {
                    Add(alternative, from, to);
                }

                break;
            case LarkRepeat repeat:
                AddRepeat(repeat, from, to);
                break;
            case LarkName { IsTerminal: false } name:
                Link(from, _rules.TryGetValue(name.Name, out var rule) ? ~rule : throw TerminalCompiler.Undefined(name), to);
                break;
            case LarkLiteral { Text: "" }:
                _nodes[from].Free.Add(to);
                break;
            default:
                Link(from, _terminals.Compile(expression), _ignored < 0 ? to : Spaces(to));
                break;
        }
    }

    private void AddSequence(IReadOnlyList<LarkExpression> items, int from, int to)
    {
        if (items.Count == 0)
        {
            _nodes[from].Free.Add(to);
        }

        for (var i = 0; i < items.Count; i++)
        {
            var next = i == items.Count - 1 ? to : AddNode();
            Add(items[i], from, next);
            from = next;
        }
    }

    private void AddRepeat(LarkRepeat repeat, int from, int to)
    {
        for (var i = 0; i < (repeat.Most ?? repeat.Least); i++)
        {
            if (i >= repeat.Least)
            {
                _nodes[from].Free.Add(to);
            }

            var next = AddNode();
            Add(repeat.Item, from, next);
            from = next;
        }

        if (repeat.Most is null)
        {
            // The loop has a place of its own: what else begins at 'from' is not repeated.
            var loop = AddNode();
            _nodes[from].Free.Add(loop);
            Add(repeat.Item, loop, loop);
            from = loop;
        }

        _nodes[from].Free.Add(to);
    }

    /// <summary>Returns the place where any number of what is ignored may come before another place.</summary>
    private int Spaces(int before)
    {
        if (!_spaces.TryGetValue(before, out var spaces))
        {
            spaces = AddNode();
            _spaces.Add(before, spaces);
            Link(spaces, _ignored, spaces);
            _nodes[spaces].Free.Add(before);
        }

        return spaces;
    }
}
