using System.Runtime.InteropServices;

namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>A part of a pattern's automaton: the nodes from its entry to its exit, both included.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PatternFragment(int Entry, int Exit);
