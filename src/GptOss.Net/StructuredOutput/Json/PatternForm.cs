using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput.Json;

/// <summary>A string that matches a pattern.</summary>
internal sealed class PatternForm(PatternAutomaton pattern) : ValueForm
{
    private static readonly byte[] Quote = [(byte)'"'];

    public PatternAutomaton Pattern => pattern;

    public override TextState Start(TextState next, int depth) => TextLiteral.Create(Quote, new PatternText(pattern, 0, next));
}
