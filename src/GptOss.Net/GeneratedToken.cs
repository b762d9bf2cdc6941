namespace GptOss.Net;

/// <summary>One token of a generation, as it is streamed.</summary>
/// <param name="Id">The token.</param>
/// <param name="Text">
/// The text that this token decided: empty for control tokens and while a character is incomplete or a stop sequence may have begun.
/// Concatenated over a generation it is the whole text, without the stop sequence that ended it.
/// </param>
public readonly record struct GeneratedToken(int Id, string Text)
{
    /// <summary>
    /// Gets the natural logarithm of the token's probability under the model itself, before penalties, bias, constraints, temperature
    /// and truncation; <see langword="null"/> unless <see cref="SamplingOptions.LogProbabilities"/> is set.
    /// </summary>
    public float? LogProbability { get; init; }

    /// <summary>
    /// Gets the model's most probable tokens at this place, the most probable first; <see langword="null"/> unless
    /// <see cref="SamplingOptions.TopLogProbabilities"/> is above 0. The generated token need not be among them.
    /// </summary>
    public IReadOnlyList<TokenLogProbability>? TopLogProbabilities { get; init; }

    /// <summary>
    /// Gets which of the answers the token belongs to, from 0; more than one if <see cref="SamplingOptions.AnswerCount"/> is.
    /// </summary>
    public int AnswerIndex { get; init; }

    /// <summary>Gets how many tokens of the prompt were in the cache already and did not have to be computed.</summary>
    public int CachedPromptTokens { get; init; }

    /// <summary>Gets why the generation ended; <see langword="null"/> on every token but the last.</summary>
    public FinishReason? FinishReason { get; init; }
}
