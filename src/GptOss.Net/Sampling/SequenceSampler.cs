namespace GptOss.Net.Sampling;

/// <summary>What sampling keeps for one sequence: its rules, its counts and its place in the stream of random numbers.</summary>
internal sealed class SequenceSampler
{
    private readonly SeededRandom _random;
    private readonly TokenPenalties? _penalties;
    private readonly ITokenConstraint? _constraint;
    private readonly KeyValuePair<int, float>[] _bias;

    /// <param name="options">Already validated.</param>
    /// <param name="prompt">Read now, not kept.</param>
    /// <param name="randomSeed">Counts where the options name no seed.</param>
    /// <param name="constraint">What may come next, if not everything.</param>
    public SequenceSampler(SamplingOptions options, ReadOnlySpan<int> prompt, long randomSeed, ITokenConstraint? constraint = null)
    {
        Options = options;
        _random = new SeededRandom(options.Seed ?? randomSeed);
        _penalties = TokenPenalties.AreWanted(options) ? new TokenPenalties(options, prompt) : null;
        _bias = options.LogitBias?.ToArray() ?? [];
        _constraint = constraint;
    }

    public SamplingOptions Options { get; }

    /// <summary>Gets how many tokens were accepted so far.</summary>
    public int OutputCount { get; private set; }

    /// <summary>Gets a value indicating whether <see cref="Adjust"/> may change logits.</summary>
    public bool Adjusts => _penalties is not null || _constraint is not null || _bias.Length > 0;

    /// <summary>The random number of the next token.</summary>
    public double NextUniform() => _random.Uniform(OutputCount);

    /// <summary>Does ahead what <see cref="Adjust"/> will need.</summary>
    public void Prepare() => _constraint?.Prepare();

    /// <summary>Applies penalties, bias and constraint, in this order.</summary>
    public void Adjust(Span<float> logits)
    {
        _penalties?.Apply(logits);
        foreach (var (token, bias) in _bias)
        {
            logits[token] += bias;
        }

        _constraint?.Apply(logits);
    }

    /// <summary>Makes <paramref name="token"/> part of the output.</summary>
    public void Accept(int token)
    {
        _penalties?.Accept(token);
        _constraint?.Accept(token);
        OutputCount++;
    }
}
