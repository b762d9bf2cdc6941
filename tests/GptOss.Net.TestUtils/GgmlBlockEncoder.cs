using System.Buffers.Binary;
using GptOss.Net.Quantization;

namespace GptOss.Net.TestUtils;

/// <summary>
/// Makes blocks of a GGUF type: the simple types by rounding, the others of any bits with scales that give values of the size that is asked
/// for.
/// </summary>
internal static class GgmlBlockEncoder
{
    public static void Encode(GgmlType type, ReadOnlySpan<float> values, Span<byte> block)
    {
        var (smallest, largest) = (0f, 0f);
        foreach (var value in values)
        {
            (smallest, largest) = (MathF.Min(smallest, value), MathF.Max(largest, value));
        }

        var size = MathF.Max(MathF.Max(largest, -smallest), 1e-6f);
        switch (type)
        {
            case GgmlType.Q8_0:
                EncodeRounded(values, bits: 8, size / 127, offset: null, block);
                break;
            case GgmlType.Q4_0:
                EncodeRounded(values, bits: 4, size / 7.5f, offset: null, block);
                break;
            case GgmlType.Q5_0:
                EncodeRounded(values, bits: 5, size / 15.5f, offset: null, block);
                break;
            case GgmlType.Q4_1:
                EncodeRounded(values, bits: 4, MathF.Max(largest - smallest, 1e-6f) / 15, smallest, block);
                break;
            case GgmlType.Q5_1:
                EncodeRounded(values, bits: 5, MathF.Max(largest - smallest, 1e-6f) / 31, smallest, block);
                break;
            default:
                EncodeAny(type, values, size, block);
                break;
        }
    }

    private static void EncodeRounded(ReadOnlySpan<float> values, int bits, float scale, float? offset, Span<byte> block)
    {
        BinaryPrimitives.WriteHalfLittleEndian(block, (Half)scale);
        var rest = block[2..];
        if (offset is { } smallest)
        {
            BinaryPrimitives.WriteHalfLittleEndian(rest, (Half)smallest);
            rest = rest[2..];
        }

        var (stored, zero) = ((float)(Half)scale, offset is { } stated ? (float)(Half)stated : 0);
        if (bits == 8)
        {
            for (var i = 0; i < values.Length; i++)
            {
                rest[i] = (byte)(sbyte)Math.Clamp(MathF.Round(values[i] / stored), -127, 127);
            }

            return;
        }

        var middle = offset is null ? 1 << (bits - 1) : 0;
        var nibbles = bits == 5 ? rest[4..] : rest;
        rest.Clear();
        for (var i = 0; i < values.Length; i++)
        {
            var q = (int)Math.Clamp(MathF.Round((values[i] - zero) / stored) + middle, 0, (1 << bits) - 1);
            nibbles[i % 16] |= (byte)((q & 0xF) << (4 * (i / 16)));
            if (bits == 5)
            {
                rest[i / 8] |= (byte)((q >> 4) << (i % 8));
            }
        }
    }

    // The same for the same values, and another for others.
    private static void EncodeAny(GgmlType type, ReadOnlySpan<float> values, float size, Span<byte> block)
    {
        new Random(values[0].GetHashCode() ^ values[^1].GetHashCode()).NextBytes(block);
        foreach (var (offset, scale) in Scales(type))
        {
            BinaryPrimitives.WriteHalfLittleEndian(block[offset..], (Half)(size * scale));
        }

        if (type == GgmlType.Mxfp4)
        {
            block[0] = (byte)(Mxfp4Format.ScaleBias + MathF.ILogB(size / 6));
        }
    }

    private static (int Offset, float Scale)[] Scales(GgmlType type) => type switch
    {
        GgmlType.IQ4_NL => [(0, 1f / 127)],
        GgmlType.Q2_K => [(80, 1f / 22), (82, 1f / 15)],
        GgmlType.Q3_K => [(108, 1f / 100)],
        GgmlType.Q4_K => [(0, 1f / 480), (2, 1f / 64)],
        GgmlType.Q5_K => [(0, 1f / 960), (2, 1f / 64)],
        GgmlType.Q6_K => [(208, 1f / 4000)],
        _ => [],
    };
}
