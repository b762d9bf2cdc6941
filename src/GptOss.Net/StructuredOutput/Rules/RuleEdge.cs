using System.Runtime.InteropServices;

namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>From a place in a rule to the next one, past a terminal or past all that another rule stands for.</summary>
/// <param name="Symbol">The number of a terminal; or that of a rule, with all bits turned over.</param>
/// <param name="Target">The place behind it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RuleEdge(int Symbol, int Target)
{
    public bool IsTerminal => Symbol >= 0;

    /// <summary>The number of the rule, if it is one.</summary>
    public int Rule => ~Symbol;
}
