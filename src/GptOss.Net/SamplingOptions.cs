using System.Runtime.CompilerServices;

namespace GptOss.Net;

/// <summary>How the tokens of one generation are chosen and when it ends.</summary>
/// <remarks>
/// The rules apply in this order: repetition, frequency and presence penalty, logit bias, constraint (harmony framing, JSON schema),
/// temperature, top-k, top-p, min-p. Each works on what the one before left. The defaults sample the model's own distribution, which
/// is what OpenAI advises for gpt-oss. Immutable and thread-safe as long as the collections are not changed. Values out of range are
/// reported as <see cref="ArgumentException"/> when a generation starts.
/// </remarks>
public sealed record SamplingOptions
{
    internal const double MaxTemperature = 10;
    internal const double MinRepetitionPenalty = 0.01;
    internal const double MaxRepetitionPenalty = 10;
    internal const double MaxAdditivePenalty = 2;
    internal const int MaxLogitBiases = 1_024;
    internal const float MaxLogitBias = 100;
    internal const int MaxStopTokens = 256;
    internal const int MaxStopSequences = 16;
    internal const int MaxStopSequenceLength = 1_000;
    internal const int MaxTopLogProbabilities = 20;
    internal const int MaxAnswerCount = 64;

    /// <summary>Gets the divisor of the logits, 0 to 10. Default 1; below 0.00001 the most probable token is always taken.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>
    /// Gets the probability mass to keep, 0 to 1: the fewest most probable tokens that reach it. Default 1 (all). Values below 1 are
    /// known to make gpt-oss repeat itself at high reasoning effort.
    /// </summary>
    public double TopP { get; init; } = 1;

    /// <summary>Gets how many of the most probable tokens to keep. Default 0 (all).</summary>
    public int TopK { get; init; }

    /// <summary>Gets the least probability to keep, as a fraction (0 to 1) of the most probable token's. Default 0 (all).</summary>
    public double MinP { get; init; }

    /// <summary>
    /// Gets the factor, 0.01 to 10, by which positive logits of tokens of the prompt and the output are divided and negative ones
    /// multiplied. Default 1 (off). Like the other penalties it spares control tokens and message headers.
    /// </summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Gets what is subtracted once from the logit of each token of the output, -2 to 2. Default 0.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>Gets what is subtracted from a token's logit for each time it is in the output, -2 to 2. Default 0.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Gets what is added to the logits of single tokens, -100 to 100, at most 1,024 of them. Default none.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>
    /// Gets the seed: equal logits and an equal seed give equal tokens, whatever else runs. Default <see langword="null"/>: a random seed.
    /// </summary>
    public long? Seed { get; init; }

    /// <summary>
    /// Gets the most tokens to generate, at least 1, reasoning included. Default <see langword="null"/>: what the context has left.
    /// </summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>
    /// Gets tokens that end the generation, at most 256, besides <c>&lt;|return|&gt;</c>, <c>&lt;|call|&gt;</c> and
    /// <c>&lt;|endoftext|&gt;</c>, which always do. Default none.
    /// </summary>
    public IReadOnlyList<int> StopTokenIds { get; init; } = [];

    /// <summary>
    /// Gets texts that end the generation and are not returned, at most 16 of at most 1,000 UTF-16 units, compared ordinally. Default none.
    /// The first one complete counts, and of those complete at the same character the longest.
    /// </summary>
    public IReadOnlyList<string> StopSequences { get; init; } = [];

    /// <summary>
    /// Gets how many answers to the prompt are generated side by side, 1 to 64. Default 1. They share what was computed of the prompt,
    /// and draw from the seed, the seed plus 1 and so on. Each has its own last token; a failure of one ends all.
    /// </summary>
    public int AnswerCount { get; init; } = 1;

    /// <summary>Gets a value indicating whether each token comes with its log-probability. Default <see langword="false"/>.</summary>
    public bool LogProbabilities { get; init; }

    /// <summary>
    /// Gets how many of the most probable tokens to report for each token, 0 to 20. Default 0; needs <see cref="LogProbabilities"/>.
    /// </summary>
    public int TopLogProbabilities { get; init; }

    /// <summary>Throws if a value is out of its range.</summary>
    internal void Validate(int vocabularySize)
    {
        CheckRange(Temperature, 0, MaxTemperature);
        CheckRange(TopP, 0, 1);
        CheckRange(MinP, 0, 1);
        CheckRange(RepetitionPenalty, MinRepetitionPenalty, MaxRepetitionPenalty);
        CheckRange(PresencePenalty, -MaxAdditivePenalty, MaxAdditivePenalty);
        CheckRange(FrequencyPenalty, -MaxAdditivePenalty, MaxAdditivePenalty);
        CheckRange(TopK, 0, int.MaxValue);
        CheckRange(MaxOutputTokens ?? 1, 1, int.MaxValue, nameof(MaxOutputTokens));
        CheckRange(AnswerCount, 1, MaxAnswerCount);
        CheckRange(TopLogProbabilities, 0, MaxTopLogProbabilities);
        if (TopLogProbabilities > 0 && !LogProbabilities)
        {
            throw Invalid(
                nameof(TopLogProbabilities),
                $"TopLogProbabilities is {TopLogProbabilities} but LogProbabilities is false; set it to true.");
        }

        ValidateLogitBias(vocabularySize);
        ValidateStops(vocabularySize);
    }

    private void ValidateLogitBias(int vocabularySize)
    {
        CheckCount(LogitBias?.Count ?? 0, MaxLogitBiases, nameof(LogitBias));
        foreach (var (token, bias) in LogitBias ?? new Dictionary<int, float>())
        {
            CheckRange(token, 0, vocabularySize - 1, nameof(LogitBias));
            CheckRange(bias, -MaxLogitBias, MaxLogitBias, $"{nameof(LogitBias)}[{token}]");
        }
    }

    private void ValidateStops(int vocabularySize)
    {
        CheckCount(StopTokenIds?.Count, MaxStopTokens, nameof(StopTokenIds));
        foreach (var token in StopTokenIds!)
        {
            CheckRange(token, 0, vocabularySize - 1, nameof(StopTokenIds));
        }

        CheckCount(StopSequences?.Count, MaxStopSequences, nameof(StopSequences));
        for (var i = 0; i < StopSequences!.Count; i++)
        {
            if (string.IsNullOrEmpty(StopSequences[i]))
            {
                throw Invalid(nameof(StopSequences), $"StopSequences[{i}] is empty: it would end every generation at once.");
            }

            CheckRange(StopSequences[i].Length, 1, MaxStopSequenceLength, $"{nameof(StopSequences)}[{i}].Length");
        }
    }

    private static void CheckCount(int? count, int most, string name)
    {
        if (count is null)
        {
            throw Invalid(name, $"{name} is null; leave it out or set an empty list.");
        }

        if (count > most)
        {
            throw Invalid(name, $"{name} has {count} entries; at most {most} are allowed.");
        }
    }

    private static ArgumentException Invalid(string name, string message) => new(message, name);

    private static void CheckRange<T>(T value, T least, T most, [CallerArgumentExpression(nameof(value))] string name = "")
        where T : struct, IComparable<T>
    {
        // NaN compares below everything, so the first test refuses it.
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
        {
            throw new ArgumentOutOfRangeException(name, value, FormattableString.Invariant($"{name} must be from {least} to {most}."));
        }
    }
}
