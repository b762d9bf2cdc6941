using System.Runtime.InteropServices;

namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>An edge of a pattern's automaton to a node.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PatternEdge(PatternEdgeKind Kind, int Target, CharacterRange Range = default);
