namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>A lookahead or a lookbehind.</summary>
/// <param name="Fragment">What is looked for; a part of the graph that nothing leads to.</param>
/// <param name="IsBehind">Whether it is looked for before the place, not after it.</param>
/// <param name="IsNegative">Whether it must not be there.</param>
internal sealed record PatternLook(PatternFragment Fragment, bool IsBehind, bool IsNegative);
