namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>A group whose end has not been read: its alternatives so far, and the present one.</summary>
internal sealed class PatternGroup
{
    private readonly PatternGraph _graph;
    private readonly int _entry;
    private readonly List<int> _ends = [];
    private int _end;
    private PatternFragment? _last;

    public PatternGroup(PatternGraph graph)
    {
        _graph = graph;
        _entry = graph.AddNode();
        _end = _entry;
    }

    /// <summary>Adds the next element of the present alternative, just added to the graph.</summary>
    public void Append(PatternFragment element, bool canRepeat = true)
    {
        LinkLast();
        _last = element;
        if (!canRepeat)
        {
            LinkLast();
        }
    }

    /// <summary>Repeats the element that was appended last.</summary>
    public void RepeatLast(int least, int? most)
    {
        if (_last is not { } last)
        {
            throw new PatternException("has a quantifier with nothing to repeat before it");
        }

        _last = _graph.Repeat(last, least, most);
        LinkLast();
    }

    /// <summary>Begins another alternative.</summary>
    public void Alternate()
    {
        LinkLast();
        _ends.Add(_end);
        _end = _entry;
    }

    /// <summary>Ends the group.</summary>
    public PatternFragment Close()
    {
        Alternate();
        var exit = _graph.AddNode();
        foreach (var end in _ends)
        {
            _graph.Link(end, exit);
        }

        return new PatternFragment(_entry, exit);
    }

    private void LinkLast()
    {
        if (_last is { } last)
        {
            _graph.Link(_end, last.Entry);
            _end = last.Exit;
            _last = null;
        }
    }
}
