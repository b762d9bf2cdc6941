using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Properties of an object that are not declared.</summary>
/// <param name="Pattern">What their names match, none of which is declared; null for any others.</param>
/// <param name="Value">The rule of their values.</param>
internal sealed record OtherNames(PatternAutomaton? Pattern, ValueRule Value);
