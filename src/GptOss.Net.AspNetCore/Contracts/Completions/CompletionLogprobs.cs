namespace GptOss.Net.AspNetCore.Contracts.Completions;

/// <summary>The log-probabilities of the tokens of a continuation, as parallel lists.</summary>
internal sealed record CompletionLogprobs
{
    public List<string> Tokens { get; } = [];

    public List<double?> TokenLogprobs { get; } = [];

    public List<Dictionary<string, double>?> TopLogprobs { get; } = [];

    /// <summary>Gets where each token begins, in characters from the begin of the text.</summary>
    public List<int> TextOffset { get; } = [];
}
