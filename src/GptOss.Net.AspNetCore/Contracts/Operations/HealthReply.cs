namespace GptOss.Net.AspNetCore.Contracts.Operations;

/// <summary>Whether the server answers.</summary>
/// <param name="Status"><c>ready</c>, <c>loading</c>, <c>failed</c> or <c>draining</c>.</param>
/// <param name="Model">The model's id.</param>
internal sealed record HealthReply(string Status, string Model)
{
    /// <summary>Gets how much of the weights was read, while they are.</summary>
    public ProgressReply? Progress { get; init; }

    /// <summary>Gets why the model cannot answer, and what to change.</summary>
    public string? Error { get; init; }
}
