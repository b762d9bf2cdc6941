namespace GptOss.Net.AspNetCore.Contracts;

/// <summary>What a stream holds beside the answer.</summary>
internal sealed record StreamOptionsBody
{
    public bool? IncludeUsage { get; init; }

    public bool? IncludeObfuscation { get; init; }
}
