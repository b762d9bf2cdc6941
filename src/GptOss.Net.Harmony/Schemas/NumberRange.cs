using System.Numerics;
using System.Runtime.InteropServices;

namespace GptOss.Net.Harmony;

/// <summary>The numbers between two bounds, both included, in units of the last digit that they may have.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct NumberRange(BigInteger Low, BigInteger High);
