using GptOss.Net.AspNetCore.Mapping;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>How an answer is written.</summary>
internal sealed record ChatAnswerOptions
{
    public required string Id { get; init; }

    public required long Created { get; init; }

    public required string Model { get; init; }

    public required int Choices { get; init; }

    public required bool ShowsReasoning { get; init; }

    public required bool IncludesUsage { get; init; }

    /// <summary>Gets what maps the log-probabilities, when they are wanted.</summary>
    public required LogprobMapper? Logprobs { get; init; }
}
