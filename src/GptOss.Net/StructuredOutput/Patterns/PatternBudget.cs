namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>
/// Counts what the compilation of patterns costs, those of one schema together, and ends it where it costs too much or is cancelled.
/// </summary>
internal sealed class PatternBudget(CancellationToken cancellationToken = default)
{
    /// <summary>The greatest number of nodes, once repetitions are written out.</summary>
    public const int MaxNodes = 8_000;

    /// <summary>The greatest number of states.</summary>
    public const int MaxStates = 6_000;

    /// <summary>The greatest number of edges looked at: some tens of milliseconds.</summary>
    public const int MaxWork = 1_000_000;

    // What reading a character costs, beside looking at an edge.
    private const int WorkPerCharacter = 100;

    private int _nodes;
    private int _states;
    private int _work;

    /// <exception cref="PatternException">There are too many characters.</exception>
    public void SpendCharacters(int characters)
    {
        if (characters > MaxWork / WorkPerCharacter)
        {
            throw new PatternException($"has {characters} characters and may have {MaxWork / WorkPerCharacter}");
        }

        SpendWork(characters * WorkPerCharacter);
    }

    /// <exception cref="PatternException">There are too many nodes.</exception>
    public void SpendNodes(int nodes)
    {
        _nodes += nodes;
        if (_nodes > MaxNodes)
        {
            throw new PatternException(
                $"needs more than {MaxNodes} nodes, together with other patterns, once its repetitions are written out; "
                + "make the numbers in its braces smaller");
        }
    }

    /// <exception cref="PatternException">There are too many states.</exception>
    public void SpendState()
    {
        if (++_states > MaxStates)
        {
            throw new PatternException(
                $"needs more than {MaxStates} states, together with its length and with other patterns; simplify it");
        }
    }

    /// <exception cref="PatternException">It took too much work.</exception>
    public void SpendWork(int work)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _work += work;
        if (_work > MaxWork)
        {
            throw new PatternException("takes too much work to compile, together with other patterns; simplify it");
        }
    }
}
