namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>A regular expression that cannot be enforced. The message completes "The pattern ...".</summary>
/// <param name="message">What is wrong.</param>
/// <param name="isEmpty">Whether it is that no string matches.</param>
internal sealed class PatternException(string message, bool isEmpty = false) : Exception(message)
{
    public bool IsEmpty => isEmpty;
}
