using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>Stores rows of activations for the matrix kernels; a row is blocks of 32 values, one after the other.</summary>
/// <remarks>
/// A block is 32 float32; or 32 int16 and a float32 scale; or 32 int8, a float32 scale and an int32 sum of the 32. Scales are the
/// block's largest magnitude over 32767 or 127; where that is not finite so is the scale, and with it every result.
/// </remarks>
internal static unsafe class ActivationRow
{
    public const int Int8Bytes = 40;
    public const int Int16Bytes = 68;
    public const int Float32Bytes = 128;
    public const int ScaleOfInt8 = 32;
    public const int SumOfInt8 = 36;
    public const int ScaleOfInt16 = 64;

    // Added to a float32 of less than 2^22, it leaves the value rounded to an integer in the low bits.
    private const float RoundingBias = 12582912f;
    private const int AbsoluteMask = int.MaxValue;

    public static int BlockBytes(ActivationFormat format) => format switch
    {
        ActivationFormat.Int8 => Int8Bytes,
        ActivationFormat.Int16 => Int16Bytes,
        _ => Float32Bytes,
    };

    /// <summary>Bytes from one row to the next: an odd number of cache lines, so that rows spread over the cache's sets.</summary>
    public static int Stride(ActivationFormat format, int blocks) => ((blocks * BlockBytes(format)) + 63) / 64 * 64 | 64;

    /// <summary>Stores <paramref name="blocks"/> · 32 values as a row.</summary>
    public static void Encode(ActivationFormat format, float* values, int blocks, byte* row)
    {
        for (var block = 0; block < blocks; block++, values += RowGroup.BlockColumns)
        {
            EncodeBlock(format, Vector512.Load(values), Vector512.Load(values + 16), row, block);
        }
    }

    /// <summary>Stores one block of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EncodeBlock(ActivationFormat format, Vector512<float> low, Vector512<float> high, byte* row, int block)
    {
        row += block * BlockBytes(format);
        if (format == ActivationFormat.Float32)
        {
            Vector512.Store(low, (float*)row);
            Vector512.Store(high, (float*)row + 16);
            return;
        }

        var largest = LargestMagnitude(low, high);
        if (format == ActivationFormat.Int16)
        {
            var inverse = largest == 0 ? 0 : 32767 / largest;
            Vector512.Store(Vector512.Narrow(Round(low, inverse), Round(high, inverse)), (short*)row);
            *(float*)(row + ScaleOfInt16) = largest / 32767;
        }
        else
        {
            var inverse = largest == 0 ? 0 : 127 / largest;
            var (first, second) = (Round(low, inverse), Round(high, inverse));
            var words = Vector512.Narrow(first, second);
            Vector256.Store(Vector256.Narrow(words.GetLower(), words.GetUpper()), (sbyte*)row);
            *(float*)(row + ScaleOfInt8) = largest / 127;
            *(int*)(row + SumOfInt8) = Vector512.Sum(first + second);
        }
    }

    // As integers, the bits of magnitudes have their order, and NaN is the largest.
    private static float LargestMagnitude(Vector512<float> low, Vector512<float> high)
    {
        var bits = Vector512.Max(low.AsInt32() & Vector512.Create(AbsoluteMask), high.AsInt32() & Vector512.Create(AbsoluteMask));
        var half = Vector256.Max(bits.GetLower(), bits.GetUpper());
        var quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        quarter = Vector128.Max(quarter, Vector128.Shuffle(quarter, Vector128.Create(2, 3, 0, 1)));
        return BitConverter.Int32BitsToSingle(Math.Max(quarter[0], quarter[1]));
    }

    private static Vector512<int> Round(Vector512<float> values, float inverse) =>
        ((values * inverse) + Vector512.Create(RoundingBias)).AsInt32() - Vector512.Create(RoundingBias).AsInt32();
}
