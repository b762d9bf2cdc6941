using System.Runtime.Intrinsics;

namespace GptOss.Net.Sampling;

/// <summary>The exponential function of eight non-positive floats at once, to about 2 units in the last place.</summary>
/// <remarks>
/// Fixed width and fused operations give the same bits on every processor. Twice as fast as <see cref="Vector256.Exp(Vector256{float})"/>,
/// which computes in double. The polynomial is that of Cephes' expf.
/// </remarks>
internal static class VectorExp
{
    // Below this the result would be subnormal; it becomes 0.
    public const float Smallest = -87.3f;

    private const float Log2E = 1.44269504f;
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    public static Vector256<float> Exp(Vector256<float> x)
    {
        var representable = Vector256.GreaterThanOrEqual(x, Vector256.Create(Smallest));
        var exponent = Vector256.Round(x * Log2E);
        var r = Vector256.FusedMultiplyAdd(exponent, Vector256.Create(-Ln2High), x);
        r = Vector256.FusedMultiplyAdd(exponent, Vector256.Create(-Ln2Low), r);

        var p = Vector256.Create(1.9875691500e-4f);
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1.3981999507e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(8.3334519073e-3f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(4.1665795894e-2f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(1.6666665459e-1f));
        p = Vector256.FusedMultiplyAdd(p, r, Vector256.Create(5.0000001201e-1f));
        p = Vector256.FusedMultiplyAdd(p, r * r, r) + Vector256<float>.One;

        var scale = (Vector256.ConvertToInt32Native(exponent) + Vector256.Create(127)) << 23;
        return (p * scale.AsSingle()) & representable;
    }
}
