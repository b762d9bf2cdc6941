using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>A terminal, and the place behind it.</summary>
/// <param name="Automaton">What the terminal matches.</param>
/// <param name="Target">The place behind it.</param>
/// <param name="FirstCode">The number of its first state, of the numbers of places and of the states of all such.</param>
internal sealed record RuleScan(PatternAutomaton Automaton, int Target, int FirstCode);
