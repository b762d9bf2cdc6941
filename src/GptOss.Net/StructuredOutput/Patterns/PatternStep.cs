using System.Runtime.InteropServices;

namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>The state that characters of a range lead to.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PatternStep(CharacterRange Range, int Target);
