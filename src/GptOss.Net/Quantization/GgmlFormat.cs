using System.Buffers.Binary;

namespace GptOss.Net.Quantization;

/// <summary>
/// The blocks that ggml quantizes a row in, after <c>ggml-common.h</c> and <c>ggml-quants.c</c> of llama.cpp. A block of the simple types
/// has 32 values:
/// <code>
/// Q4_0    d:f16 nibbles:16             (q − 8) · d           nibbles: the low ones of the 16 bytes are values 0–15, the high ones 16–31
/// Q4_1    d:f16 m:f16 nibbles:16       q · d + m
/// Q5_0    d:f16 bits:u32 nibbles:16    (q − 16) · d          bits: bit i is the fifth bit of value i
/// Q5_1    d:f16 m:f16 bits:u32 nibbles:16    q · d + m
/// Q8_0    d:f16 q:32 × i8              q · d
/// IQ4_NL  d:f16 nibbles:16             table[q] · d
/// MXFP4   scale:u8 nibbles:16          e2m1[q] · 2^(scale − 127)
/// </code>
/// The K types, of 256 values, are in <see cref="GgmlKFormat"/>.
/// </summary>
internal static class GgmlFormat
{
    private const int Half = 16;

    private static ReadOnlySpan<sbyte> NonLinear => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>Whether each value has bits of its own.</summary>
    public static bool IsPlain(this GgmlType type) => type is GgmlType.F32 or GgmlType.F16 or GgmlType.BF16;

    public static bool IsMxfp4(this GgmlType type) => type is GgmlType.Mxfp4 or GgmlType.OllamaMxfp4;

    /// <summary>How many values a block has; 1 for plain types.</summary>
    public static int BlockValues(this GgmlType type) => type switch
    {
        GgmlType.F32 or GgmlType.F16 or GgmlType.BF16 => 1,
        GgmlType.Q2_K or GgmlType.Q3_K or GgmlType.Q4_K or GgmlType.Q5_K or GgmlType.Q6_K => GgmlKFormat.BlockValues,
        _ => 2 * Half,
    };

    /// <summary>How many bytes a block has.</summary>
    public static int BlockBytes(this GgmlType type) => type switch
    {
        GgmlType.F32 => 4,
        GgmlType.F16 or GgmlType.BF16 => 2,
        GgmlType.Q4_0 or GgmlType.IQ4_NL => 18,
        GgmlType.Q4_1 => 20,
        GgmlType.Q5_0 => 22,
        GgmlType.Q5_1 => 24,
        GgmlType.Q8_0 => 34,
        GgmlType.OllamaMxfp4 or GgmlType.Mxfp4 => 1 + Mxfp4Format.BlockBytes,
        GgmlType.Q2_K => 84,
        GgmlType.Q3_K => 110,
        GgmlType.Q4_K => 144,
        GgmlType.Q5_K => 176,
        GgmlType.Q6_K => 210,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>Decodes one block of a type that is not plain.</summary>
    /// <param name="type">The type.</param>
    /// <param name="block">Its bytes.</param>
    /// <param name="values">Receives its values.</param>
    public static void Decode(GgmlType type, ReadOnlySpan<byte> block, Span<float> values)
    {
        switch (type)
        {
            case GgmlType.Q4_0:
                DecodeNibbles(block[2..], ReadOnlySpan<byte>.Empty, Scale(block), -8 * Scale(block), values);
                break;
            case GgmlType.Q4_1:
                DecodeNibbles(block[4..], ReadOnlySpan<byte>.Empty, Scale(block), Scale(block[2..]), values);
                break;
            case GgmlType.Q5_0:
                DecodeNibbles(block[6..], block[2..6], Scale(block), -16 * Scale(block), values);
                break;
            case GgmlType.Q5_1:
                DecodeNibbles(block[8..], block[4..8], Scale(block), Scale(block[2..]), values);
                break;
            case GgmlType.Q8_0:
                DecodeBytes(block[2..], Scale(block), values);
                break;
            case GgmlType.IQ4_NL:
                DecodeTable(block[2..], Scale(block), values);
                break;
            case GgmlType.OllamaMxfp4:
                Mxfp4Format.Decode(block[1..], block[..1], values);
                break;
            case GgmlType.Mxfp4:
                Span<byte> pairs = stackalloc byte[Mxfp4Format.BlockBytes];
                PairNibbles(block[1..], pairs);
                Mxfp4Format.Decode(pairs, block[..1], values);
                break;
            default:
                GgmlKFormat.Decode(type, block, values);
                break;
        }
    }

    /// <summary>
    /// From ggml's order of nibbles (low ones first, then high ones) to that of <see cref="Mxfp4Format"/> (neighbours in a byte).
    /// </summary>
    public static void PairNibbles(ReadOnlySpan<byte> halves, Span<byte> pairs)
    {
        for (var i = 0; i < Half / 2; i++)
        {
            pairs[i] = (byte)((halves[2 * i] & 0xF) | ((halves[(2 * i) + 1] & 0xF) << 4));
            pairs[i + (Half / 2)] = (byte)((halves[2 * i] >> 4) | (halves[(2 * i) + 1] & 0xF0));
        }
    }

    internal static float Scale(ReadOnlySpan<byte> bytes) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);

    // value = q · scale + offset, with a fifth bit of each value where there are some. The products are exact, so that their sum is rounded
    // once.
    private static void DecodeNibbles(ReadOnlySpan<byte> nibbles, ReadOnlySpan<byte> fifth, float scale, float offset, Span<float> values)
    {
        var bits = fifth.IsEmpty ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(fifth);
        for (var i = 0; i < Half; i++)
        {
            var low = (nibbles[i] & 0xFu) | (((bits >> i) & 1) << 4);
            var high = (uint)(nibbles[i] >> 4) | (((bits >> (i + Half)) & 1) << 4);
            values[i] = (low * scale) + offset;
            values[i + Half] = (high * scale) + offset;
        }
    }

    private static void DecodeBytes(ReadOnlySpan<byte> bytes, float scale, Span<float> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (sbyte)bytes[i] * scale;
        }
    }

    private static void DecodeTable(ReadOnlySpan<byte> nibbles, float scale, Span<float> values)
    {
        for (var i = 0; i < Half; i++)
        {
            values[i] = NonLinear[nibbles[i] & 0xF] * scale;
            values[i + Half] = NonLinear[nibbles[i] >> 4] * scale;
        }
    }
}
