using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>Int4 with zeros, as AWQ has it: for each row a half precision scale of either sign, then for each row a byte of zero.</summary>
internal readonly unsafe struct Int4Weights : INibbleFormat
{
    /// <summary>Where the zeros begin behind the scales.</summary>
    public const int ZerosOffset = 32;

    private const int ValuesLength = 256;

    public static int ValueBytes => ValuesLength;

    public static int ScaleBytes => 48;

    public static Vector512<byte> Table
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Lanes.Table(Vector128<byte>.Indices);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scales(byte* half) => Lanes.FromFiniteHalf((short*)(half + ValuesLength));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Zeros(byte* half) => Lanes.FromBytes(half + ValuesLength + ZerosOffset);

    public static void Decode(byte* half, float* tile) => Nibbles.Decode<Int4Weights>(half, tile);
}
