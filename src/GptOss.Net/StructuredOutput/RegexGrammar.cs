using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput;

/// <summary>Texts that match a regular expression as a whole.</summary>
internal static class RegexGrammar
{
    /// <summary>Returns the state before such a text.</summary>
    /// <exception cref="ArgumentException">The expression is malformed, too large, or no text matches it.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static TextState Compile(string expression, string parameterName, CancellationToken cancellationToken)
    {
        try
        {
            return new MatchingText(PatternCompiler.Compile($"^(?:{expression})$", new PatternBudget(cancellationToken)), 0);
        }
        catch (PatternException refused)
        {
            throw new ArgumentException($"The expression {refused.Message}.", parameterName, refused);
        }
    }
}
