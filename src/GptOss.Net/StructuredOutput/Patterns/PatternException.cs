namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>A regular expression that cannot be enforced. The message completes "The pattern ...".</summary>
internal sealed class PatternException(string message) : Exception(message);
