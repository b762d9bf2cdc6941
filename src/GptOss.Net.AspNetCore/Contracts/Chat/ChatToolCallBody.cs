namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>A call that an earlier answer made.</summary>
internal sealed record ChatToolCallBody
{
    public string? Id { get; init; }

    public string? Type { get; init; }

    public ChatFunctionCallBody? Function { get; init; }
}
