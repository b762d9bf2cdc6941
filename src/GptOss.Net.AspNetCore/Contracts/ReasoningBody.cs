namespace GptOss.Net.AspNetCore.Contracts;

/// <summary>How the model thinks: OpenRouter's form in chat completions, OpenAI's in responses.</summary>
internal sealed record ReasoningBody
{
    public string? Effort { get; init; }

    /// <summary>Gets a value indicating whether the reasoning is left out of the answer.</summary>
    public bool? Exclude { get; init; }

    public bool? Enabled { get; init; }

    /// <summary>Gets the most tokens of reasoning.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Gets what kind of summary is wanted; none is ever made.</summary>
    public string? Summary { get; init; }
}
