using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>Loads that widen to the 16 lanes of a <see cref="RowGroup"/>, and the look-up of nibbles.</summary>
internal static unsafe class Lanes
{
    // How far ahead of a stream of weights to ask for it: past the few blocks that the machine has in flight by itself.
    private const int PrefetchDistance = 4096;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> FromBytes(byte* source)
    {
        var bytes = Vector128.Load(source);
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512Int32(bytes);
        }

        var (lower, upper) = (Vector128.WidenLower(bytes), Vector128.WidenUpper(bytes));
        return Vector512.Create(
            Vector256.Create(Vector128.WidenLower(lower), Vector128.WidenUpper(lower)),
            Vector256.Create(Vector128.WidenLower(upper), Vector128.WidenUpper(upper))).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> FromUInt16(ushort* source)
    {
        var words = Vector256.Load(source);
        return Avx512F.IsSupported
            ? Avx512F.ConvertToVector512Int32(words)
            : Vector512.Create(Vector256.WidenLower(words), Vector256.WidenUpper(words)).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> FromInt16(short* source)
    {
        var words = Vector256.Load(source);
        return Avx512F.IsSupported
            ? Avx512F.ConvertToVector512Int32(words)
            : Vector512.Create(Vector256.WidenLower(words), Vector256.WidenUpper(words));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> FromSBytes(sbyte* source)
    {
        var bytes = Vector256.Load(source);
        return Avx512BW.IsSupported
            ? Avx512BW.ConvertToVector512Int16(bytes)
            : Vector512.Create(Vector256.WidenLower(bytes), Vector256.WidenUpper(bytes));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FromBf16(ushort* source) => (FromUInt16(source) << 16).AsSingle();

    /// <summary>
    /// Finite half precision numbers: exponent and fraction, moved to where float32 has them, are 2^112 too small. Widened with
    /// its sign, a number keeps it; the mask takes away the copies of the sign that lie over the exponent.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FromFiniteHalf(short* source) =>
        (FromInt16(source) << 13 & Vector512.Create(unchecked((int)0x8FFFE000))).AsSingle() * 5.192296858534828e33f;

    /// <summary>The entry of a table of 16 (repeated four times) for the low nibble of every byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> LookUpLow(Vector512<byte> table, Vector512<byte> packed)
    {
        if (Avx512Vbmi.IsSupported)
        {
            // It reads six bits of the index; the two that do not matter choose among equal quarters.
            return Avx512Vbmi.PermuteVar64x8(table, packed);
        }

        var indices = packed & Vector512.Create((byte)0xF);
        if (Avx512BW.IsSupported)
        {
            return Avx512BW.Shuffle(table, indices);
        }

        var (lower, upper) = (indices.GetLower(), indices.GetUpper());
        if (Avx2.IsSupported)
        {
            return Vector512.Create(Avx2.Shuffle(table.GetLower(), lower), Avx2.Shuffle(table.GetLower(), upper));
        }

        var entries = table.GetLower().GetLower();
        return Vector512.Create(
            Vector256.Create(Vector128.Shuffle(entries, lower.GetLower()), Vector128.Shuffle(entries, lower.GetUpper())),
            Vector256.Create(Vector128.Shuffle(entries, upper.GetLower()), Vector128.Shuffle(entries, upper.GetUpper())));
    }

    /// <summary>The entry for the high nibble of every byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> LookUpHigh(Vector512<byte> table, Vector512<byte> packed) =>
        LookUpLow(table, (packed.AsUInt16() >> 4).AsByte());

    /// <summary>Repeats 16 entries for <see cref="LookUpLow"/>.</summary>
    public static Vector512<byte> Table(Vector128<byte> entries)
    {
        var half = Vector256.Create(entries, entries);
        return Vector512.Create(half, half);
    }

    /// <summary>Asks for the next bytes that a stream of weights will reach soon.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* stream, int bytes)
    {
        if (Sse.IsSupported)
        {
            for (var offset = 0; offset < bytes; offset += 64)
            {
                Sse.Prefetch0(stream + PrefetchDistance + offset);
            }
        }
    }

    /// <summary>Asks for the line at an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PrefetchLine(void* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(address);
        }
    }
}
