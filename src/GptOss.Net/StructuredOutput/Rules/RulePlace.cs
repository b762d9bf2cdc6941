using System.Runtime.InteropServices;

namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>A place in a rule that was begun, and what follows the rule.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RulePlace(int Node, ReturnPoint Return);
