using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts;

/// <summary>What was wrong.</summary>
/// <param name="Message">A sentence with the numbers and what to change.</param>
/// <param name="Type">The kind, such as <c>invalid_request_error</c>.</param>
/// <param name="Param">The path of the field, such as <c>messages[2].content</c>.</param>
/// <param name="Code">The case, for programs.</param>
internal sealed record ErrorBody(
    string Message,
    string Type,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Param,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Code);
