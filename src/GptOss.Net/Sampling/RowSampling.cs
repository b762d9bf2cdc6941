namespace GptOss.Net.Sampling;

/// <summary>
/// How the token of one row of logits is sampled: a value that a step carries to wherever the logits are. The default wants the logits
/// themselves and samples nothing.
/// </summary>
internal readonly record struct RowSampling
{
    // Dividing by less would only magnify rounding.
    private const double GreedyBelow = 1e-5;

    /// <summary>
    /// Gets the rules, which apply in the order that they document, and whether log-probabilities are wanted. <see langword="null"/>:
    /// nothing is sampled, and the logits are what is wanted.
    /// </summary>
    public SamplingOptions? Options { get; init; }

    /// <summary>Gets what is added to single logits.</summary>
    public KeyValuePair<int, float>[] Bias { get; init; }

    /// <summary>Gets the sequence's penalties, with its counts; <see langword="null"/> when there are none.</summary>
    public TokenPenalties? Penalties { get; init; }

    /// <summary>Gets the tokens that may come; <see langword="null"/> when all may. Equal sets are mostly the same object.</summary>
    public TokenBitset? Mask { get; init; }

    /// <summary>Gets the sequence's random numbers.</summary>
    public SeededRandom Random { get; init; }

    /// <summary>Gets how many tokens the sequence has in its output before this one: the counter of its random number.</summary>
    public int Position { get; init; }

    /// <summary>Gets a value indicating whether the logits are wanted instead of a token.</summary>
    public bool WantsLogits => Options is null;

    /// <summary>Gets a value indicating whether the most probable token is taken, without a random number.</summary>
    public bool IsGreedy => Options!.Temperature < GreedyBelow;

    /// <summary>Gets a value indicating whether logits are changed before a token is chosen.</summary>
    public bool Adjusts => Penalties is not null || Mask is not null || Bias.Length > 0;

    /// <summary>Gets the random number of this row, of 53 bits in [0, 1): the same wherever it is sampled.</summary>
    public double Uniform => Random.Uniform(Position);

    /// <summary>Applies penalties, bias and mask, in this order.</summary>
    public void Adjust(Span<float> logits)
    {
        Penalties?.Apply(logits);
        foreach (var (token, bias) in Bias)
        {
            logits[token] += bias;
        }

        Mask?.Apply(logits);
    }
}
