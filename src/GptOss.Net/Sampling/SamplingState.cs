namespace GptOss.Net.Sampling;

/// <summary>What sampling keeps for one sequence: its rules, its counts and its place in the stream of random numbers.</summary>
internal sealed class SamplingState
{
    private readonly SeededRandom _random;
    private readonly TokenPenalties? _penalties;
    private readonly ITokenConstraint? _constraint;
    private readonly KeyValuePair<int, float>[] _bias;

    /// <param name="options">Already validated.</param>
    /// <param name="prompt">Read now, not kept.</param>
    /// <param name="randomSeed">Counts where the options name no seed.</param>
    /// <param name="constraint">What may come next, if not everything.</param>
    public SamplingState(SamplingOptions options, ReadOnlySpan<int> prompt, long randomSeed, ITokenConstraint? constraint = null)
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

    /// <summary>
    /// Gets after how many more tokens, none of them a control token, it is known already how the one behind them is sampled.
    /// </summary>
    public int TokensAhead => _penalties is not null ? 0 : _constraint?.TokensAhead ?? int.MaxValue;

    /// <summary>
    /// How the next token is sampled, or the one behind some more. Its penalties change with <see cref="Accept"/>: sample before.
    /// </summary>
    public RowSampling Next(int ahead = 0) => new()
    {
        Options = Options,
        Bias = _bias,
        Penalties = _penalties,
        Mask = _constraint?.Allowed,
        Random = _random,
        Position = OutputCount + ahead,
    };

    /// <summary>Makes <paramref name="token"/> part of the output.</summary>
    public void Accept(int token)
    {
        _penalties?.Accept(token);
        _constraint?.Accept(token);
        OutputCount++;
    }
}
