using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>gpt-oss' gated activation.</summary>
internal static class SwiGluKernel
{
    private const float Slope = 1.702f;

    /// <summary>gate · σ(1.702 gate) · (up + 1), the gate cut above at <paramref name="limit"/>, the up value on both sides.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Activate(Vector512<float> gate, Vector512<float> up, float limit)
    {
        var (high, low) = (Vector512.Create(limit), Vector512.Create(-limit));

        // Selections, not Min and Max: a NaN must stay.
        gate = Vector512.ConditionalSelect(Vector512.GreaterThan(gate, high), high, gate);
        up = Vector512.ConditionalSelect(Vector512.GreaterThan(up, high), high, up);
        up = Vector512.ConditionalSelect(Vector512.LessThan(up, low), low, up);
        return gate * (up + Vector512<float>.One) / (Vector512<float>.One + VectorExp.Exp(gate * -Slope));
    }
}
