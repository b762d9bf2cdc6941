using GptOss.Net.StructuredOutput.Lark;
using GptOss.Net.StructuredOutput.Rules;

namespace GptOss.Net.StructuredOutput;

/// <summary>The texts that follow a grammar in Lark's notation. Compile once and share it.</summary>
/// <remarks>docs/structured-output.md says which part of the notation there is.</remarks>
internal sealed class LarkGrammar
{
    /// <summary>The most characters of a grammar.</summary>
    public const int MaxLength = 100_000;

    private readonly RuleAutomaton _automaton;

    private LarkGrammar(RuleAutomaton automaton) => _automaton = automaton;

    /// <exception cref="ArgumentException">
    /// The grammar is malformed, too large, or has no text; the message names the line, the column and what to write.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static LarkGrammar Compile(string grammar, string parameterName, CancellationToken cancellationToken = default)
    {
        if (grammar.Length > MaxLength)
        {
            throw new ArgumentException($"The grammar has {grammar.Length} characters and may have {MaxLength}.", parameterName);
        }

        try
        {
            return new LarkGrammar(new RuleAutomaton(RuleCompiler.Compile(LarkParser.Parse(grammar), cancellationToken)));
        }
        catch (LarkException refused)
        {
            throw new ArgumentException(
                $"The grammar, line {refused.Place.Line}, column {refused.Place.Column}: {refused.Message}.", parameterName, refused);
        }
    }

    /// <summary>Returns the state before the text.</summary>
    public TextState Start() => _automaton.Start;
}
