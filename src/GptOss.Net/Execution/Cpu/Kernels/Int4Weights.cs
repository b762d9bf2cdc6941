using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>Int4 with zeros, as AWQ has it: for each row of a block a half precision scale, then for each row a byte of zero.</summary>
internal readonly unsafe struct Int4Weights : INibbleFormat
{
    /// <summary>Where a block's zeros begin among its scales.</summary>
    public const int ZerosOffset = 32;

    public static int ValueBytes => 256;

    public static int ScaleBytes => 48;

    public static Vector512<byte> Table
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Lanes.Table(Vector128<byte>.Indices);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scales(byte* scales) => Lanes.FromPositiveHalf((ushort*)scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Zeros(byte* scales) => Lanes.FromBytes(scales + ZerosOffset);

    public static void Decode(byte* values, byte* scales, float* tile) => Nibbles.Decode<Int4Weights>(values, scales, tile);
}
