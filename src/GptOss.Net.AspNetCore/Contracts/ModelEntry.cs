namespace GptOss.Net.AspNetCore.Contracts;

/// <summary>One model, for the clients of both families.</summary>
internal sealed record ModelEntry(string Id, long Created)
{
    public string Object { get; } = "model";

    public string OwnedBy { get; } = "gptoss.net";

    /// <summary>Gets the most tokens of prompt and output together; clients take their context length from it.</summary>
    public int? MaxModelLen { get; init; }

    /// <summary>Gets <c>loading</c>, <c>failed</c> or <c>ready</c>.</summary>
    public string? Status { get; init; }

    public string Type { get; } = "model";

    public string DisplayName => Id;

    public string CreatedAt =>
        DateTimeOffset.FromUnixTimeSeconds(Created).ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);
}
