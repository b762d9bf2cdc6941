using System.Runtime.InteropServices;

namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>Within a terminal.</summary>
/// <param name="Scan">The terminal, and the place behind it.</param>
/// <param name="State">The state of its automaton.</param>
/// <param name="Return">What follows the rule of that place.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RuleThread(RuleScan Scan, int State, ReturnPoint Return);
