namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>A tool that is offered.</summary>
internal sealed record ChatToolBody
{
    public string? Type { get; init; }

    public FunctionBody? Function { get; init; }
}
