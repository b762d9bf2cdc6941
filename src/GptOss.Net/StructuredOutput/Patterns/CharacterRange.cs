using System.Runtime.InteropServices;

namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>The code points from <paramref name="Low"/> to <paramref name="High"/>, both included.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CharacterRange(int Low, int High);
