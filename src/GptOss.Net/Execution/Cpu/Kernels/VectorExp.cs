using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>The exponential of 16 float32, to about 2 units in the last place.</summary>
internal static class VectorExp
{
    private const float Log2E = 1.44269504f;

    // ln 2 in two parts, so that the reduced argument keeps its last bits.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    private const float Smallest = -87.3f;
    private const float Largest = 88.3f;

    // Added to a small float32, it leaves the value rounded to an integer in the low bits.
    private const float RoundingBias = 12582912f;

    /// <summary>Exponentials; below −87.3 the result is 0, above 88.3 it stays at exp(88.3). NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        var bias = Vector512.Create(RoundingBias);
        var clamped = Vector512.ConditionalSelect(Vector512.GreaterThan(x, Vector512.Create(Largest)), Vector512.Create(Largest), x);
        var shifted = Vector512.FusedMultiplyAdd(clamped, Vector512.Create(Log2E), bias);
        var power = shifted.AsInt32() - bias.AsInt32();
        var whole = shifted - bias;
        var r = Vector512.FusedMultiplyAdd(whole, Vector512.Create(-Ln2High), clamped);
        r = Vector512.FusedMultiplyAdd(whole, Vector512.Create(-Ln2Low), r);

        // Cephes' polynomial for |r| <= ln 2 / 2.
        var p = Vector512.Create(1.9875691500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r + Vector512<float>.One);

        var scaled = p * ((power + Vector512.Create(127)) << 23).AsSingle();
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(Smallest)), Vector512<float>.Zero, scaled);
    }
}
