using System.Text.Json;
using GptOss.Net.AspNetCore.Contracts.Responses;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>A response that is to be made.</summary>
internal sealed record ResponsePlan
{
    /// <summary>Gets who asked for it.</summary>
    public required string Caller { get; init; }

    /// <summary>Gets it as it begins: everything that was asked for, and no output.</summary>
    public required ResponseBody Start { get; init; }

    public required ModelCall Call { get; init; }

    /// <summary>Gets the items of the conversation before this response.</summary>
    public required IReadOnlyList<JsonElement> Context { get; init; }

    /// <summary>Gets the items of this request.</summary>
    public required IReadOnlyList<JsonElement> Input { get; init; }

    public required ResponseTools Tools { get; init; }

    /// <summary>Gets a value indicating whether thoughts come with their sealed tokens.</summary>
    public required bool IncludesEncryptedReasoning { get; init; }

    public required bool ShowsReasoning { get; init; }

    public required LogprobMapper? Logprobs { get; init; }
}
