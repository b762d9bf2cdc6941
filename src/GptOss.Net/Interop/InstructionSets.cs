using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GptOss.Net.Interop;

/// <summary>What code that was compiled ahead of time may use of this processor.</summary>
internal static class InstructionSets
{
    private const int ExtendedFeatures = 7;
    private const int Avx2Bit = 1 << 5; // of EBX
    private const int Avx512FoundationBit = 1 << 16;

    /// <summary>
    /// Says what the processor has and this program does not use, because it was compiled ahead of time for an older one;
    /// <see langword="null"/> when there is nothing to say. Compiled at run time, code always uses what is there.
    /// </summary>
    public static string? Unused() => RuntimeFeature.IsDynamicCodeCompiled || !X86Base.IsSupported
        ? null
        : Describe(X86Base.CpuId(ExtendedFeatures, 0).Ebx, Vector256.IsHardwareAccelerated, Vector512.IsHardwareAccelerated);

    /// <param name="features">The processor's extended features, register EBX.</param>
    /// <param name="has256">Vectors of 256 bits are used.</param>
    /// <param name="has512">Vectors of 512 bits are used.</param>
    internal static string? Describe(int features, bool has256, bool has512)
    {
        var (avx2, avx512) = ((features & Avx2Bit) != 0, (features & Avx512FoundationBit) != 0);
        return avx2 && !has256 ? "AVX2" : avx512 && !has512 ? "AVX-512" : null;
    }
}
