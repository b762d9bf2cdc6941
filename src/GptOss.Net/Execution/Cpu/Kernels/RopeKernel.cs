using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>Rotary position embedding: value i of a head's first half turns with value i of its second half.</summary>
internal static unsafe class RopeKernel
{
    /// <summary>Turns one head in place.</summary>
    /// <param name="head">Values, <c>[2 · half]</c>.</param>
    /// <param name="half">Half the head's size; a multiple of 8.</param>
    /// <param name="cosines">Cosines, <c>[half]</c>.</param>
    /// <param name="sines">Sines, <c>[half]</c>.</param>
    public static void Rotate(float* head, int half, float* cosines, float* sines)
    {
        for (var i = 0; i < half; i += 8)
        {
            var (first, second) = (Vector256.Load(head + i), Vector256.Load(head + half + i));
            var (cosine, sine) = (Vector256.Load(cosines + i), Vector256.Load(sines + i));
            Vector256.Store((first * cosine) - (second * sine), head + i);
            Vector256.Store((second * cosine) + (first * sine), head + half + i);
        }
    }
}
