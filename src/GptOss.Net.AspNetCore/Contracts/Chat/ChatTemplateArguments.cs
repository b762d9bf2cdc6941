namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>What vLLM's clients pass to a chat template; of it only the effort has a meaning for gpt-oss.</summary>
internal sealed record ChatTemplateArguments
{
    public string? ReasoningEffort { get; init; }
}
