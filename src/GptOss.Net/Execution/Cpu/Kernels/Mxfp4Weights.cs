using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>MXFP4: codes of e2m1 values, and for each row a byte e that stands for 2^(e − 127).</summary>
internal readonly unsafe struct Mxfp4Weights : INibbleFormat
{
    private const int ValuesLength = 256;

    public static int ValueBytes => ValuesLength;

    public static int ScaleBytes => 16;

    /// <summary>Gets twice the e2m1 values, plus 12: no entry is negative.</summary>
    public static Vector512<byte> Table
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Lanes.Table(Vector128.Create((byte)12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
    }

    /// <summary>Half of 2^(e − 127), as the table holds doubles. 2^−127 itself, below every normal number, becomes 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scales(byte* half) => (Lanes.FromBytes(half + ValuesLength) << 23).AsSingle() * 0.5f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Zeros(byte* half) => Vector512.Create(12);

    public static void Decode(byte* half, float* tile) => Nibbles.Decode<Mxfp4Weights>(half, tile);
}
