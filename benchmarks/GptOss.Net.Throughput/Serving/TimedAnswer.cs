using System.Diagnostics;

namespace GptOss.Net.Throughput.Serving;

/// <summary>When the tokens of an answer came, in seconds of a clock that all answers share.</summary>
/// <param name="Asked">When it was asked for.</param>
/// <param name="Tokens">When each token came.</param>
internal sealed record TimedAnswer(double Asked, IReadOnlyList<double> Tokens)
{
    public double TimeToFirstToken => Tokens[0] - Asked;

    /// <summary>Gets the times from one token to the next.</summary>
    public IEnumerable<double> TimesBetweenTokens => Tokens.Zip(Tokens.Skip(1), (token, next) => next - token);

    /// <summary>Gets the mean time of each token after the first.</summary>
    public double TimePerOutputToken => (Tokens[^1] - Tokens[0]) / Math.Max(1, Tokens.Count - 1);

    public static async Task<TimedAnswer> AskAsync(
        GptOssModel model, int[] prompt, SamplingOptions sampling, Stopwatch clock, CancellationToken cancellationToken)
    {
        var asked = clock.Elapsed.TotalSeconds;
        var tokens = new List<double>();
        await foreach (var _ in model.GenerateAsync(prompt, sampling, cancellationToken: cancellationToken))
        {
            tokens.Add(clock.Elapsed.TotalSeconds);
        }

        return new TimedAnswer(asked, tokens);
    }
}
