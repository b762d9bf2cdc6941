using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>What was asked of the reasoning.</summary>
internal sealed record ReasoningEcho(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Effort,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Summary);
