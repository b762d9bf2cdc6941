using System.Numerics;
using System.Runtime.InteropServices;

namespace GptOss.Net.Quantization;

/// <summary>Finds NaN and infinity in stored floating point values: all bits of the exponent are set.</summary>
internal static class FiniteValues
{
    /// <summary>The index of the first value that is not finite, or −1.</summary>
    /// <param name="values">The bits of the values.</param>
    /// <param name="exponent">The bits of the exponent: <c>0x7F80</c> for bfloat16, <c>0x7C00</c> for float16.</param>
    /// <typeparam name="T">An unsigned integer of the values' size.</typeparam>
    public static int IndexOfOther<T>(ReadOnlySpan<T> values, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        ref var first = ref MemoryMarshal.GetReference(values);
        var mask = new Vector<T>(exponent);
        var i = 0;
        for (; i <= values.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            if (Vector.EqualsAny(Vector.LoadUnsafe(ref first, (nuint)i) & mask, mask))
            {
                break;
            }
        }

        for (; i < values.Length; i++)
        {
            if ((values[i] & exponent) == exponent)
            {
                return i;
            }
        }

        return -1;
    }
}
