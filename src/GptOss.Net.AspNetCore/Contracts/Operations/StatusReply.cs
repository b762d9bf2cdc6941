namespace GptOss.Net.AspNetCore.Contracts.Operations;

/// <summary>What the server does at this moment, for a page that shows it.</summary>
internal sealed record StatusReply(string Status, string Model)
{
    public ProgressReply? Progress { get; init; }

    public string? Error { get; init; }

    public RequestCounts? Requests { get; init; }

    public double? TokensPerSecond { get; init; }

    public double? PromptTokensPerSecond { get; init; }

    public double? PrefixHitRate { get; init; }

    public int? MaxModelLen { get; init; }

    public IReadOnlyList<DeviceStatus>? Memory { get; init; }
}
