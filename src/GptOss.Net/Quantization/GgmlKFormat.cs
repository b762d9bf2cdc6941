namespace GptOss.Net.Quantization;

/// <summary>
/// ggml's blocks of 256 values, whose parts of 16 or 32 have small scales of their own, times one for the block (<c>ggml-common.h</c> of
/// llama.cpp):
/// <code>
/// Q2_K  scales:16 q:64 d:f16 m:f16            16 parts of 16; a scale byte: the scale below, the minimum above
/// Q3_K  high:32 q:64 scales:12 d:f16          16 parts of 16; 6-bit scales − 32; high: the third bit, 0 takes 4 away
/// Q4_K  d:f16 m:f16 scales:12 q:128           8 parts of 32; 6-bit scales and minimums
/// Q5_K  d:f16 m:f16 scales:12 high:32 q:128   the same, with a fifth bit
/// Q6_K  low:128 high:64 scales:16 × i8 d:f16  16 parts of 16
/// </code>
/// </summary>
internal static class GgmlKFormat
{
    public const int BlockValues = 256;

    public static void Decode(GgmlType type, ReadOnlySpan<byte> block, Span<float> values)
    {
        switch (type)
        {
            case GgmlType.Q2_K:
                DecodeQ2(block, values);
                break;
            case GgmlType.Q3_K:
                DecodeQ3(block, values);
                break;
            case GgmlType.Q4_K:
                DecodeQ45(block, block[16..], ReadOnlySpan<byte>.Empty, values);
                break;
            case GgmlType.Q5_K:
                DecodeQ45(block, block[48..], block[16..48], values);
                break;
            case GgmlType.Q6_K:
                DecodeQ6(block, values);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type));
        }
    }

    // Value 128 h + 32 s + i: bits 2s and 2s + 1 of byte 32 h + i.
    private static void DecodeQ2(ReadOnlySpan<byte> block, Span<float> values)
    {
        var (scale, minimum) = (GgmlFormat.Scale(block[80..]), GgmlFormat.Scale(block[82..]));
        for (var v = 0; v < BlockValues; v++)
        {
            var part = block[v / 16];
            var q = (block[16 + (32 * (v / 128)) + (v % 32)] >> (2 * (v / 32 % 4))) & 3;
            values[v] = (scale * (part & 0xF) * q) - (minimum * (part >> 4));
        }
    }

    // The same two bits; bit 4h + s of byte i in `high` is the third.
    private static void DecodeQ3(ReadOnlySpan<byte> block, Span<float> values)
    {
        var scale = GgmlFormat.Scale(block[108..]);
        var scales = block.Slice(96, 12);
        for (var v = 0; v < BlockValues; v++)
        {
            // 6 bits: the lower four in the nibbles of the first eight bytes, the upper two in the pairs of the last four.
            var part = v / 16;
            var lower = part < 8 ? scales[part] & 0xF : scales[part - 8] >> 4;
            var upper = (scales[8 + (part % 4)] >> (2 * (part / 4))) & 3;
            var factor = scale * ((lower | (upper << 4)) - 32);

            var q = (block[32 + (32 * (v / 128)) + (v % 32)] >> (2 * (v / 32 % 4))) & 3;
            values[v] = factor * (((block[v % 32] >> (v / 32)) & 1) == 0 ? q - 4 : q);
        }
    }

    // Part p of 32 values: low nibbles of 32 bytes for even p, high ones of the same for odd p.
    private static void DecodeQ45(ReadOnlySpan<byte> block, ReadOnlySpan<byte> nibbles, ReadOnlySpan<byte> high, Span<float> values)
    {
        var (scale, minimum) = (GgmlFormat.Scale(block), GgmlFormat.Scale(block[2..]));
        var scales = block.Slice(4, 12);
        for (var part = 0; part < 8; part++)
        {
            var (factor, offset) = part < 4
                ? (scales[part] & 63, scales[part + 4] & 63)
                : ((scales[part + 4] & 0xF) | ((scales[part - 4] >> 6) << 4), (scales[part + 4] >> 4) | ((scales[part] >> 6) << 4));
            for (var i = 0; i < 32; i++)
            {
                var q = (nibbles[(32 * (part / 2)) + i] >> (4 * (part % 2))) & 0xF;
                var fifth = high.IsEmpty ? 0 : ((high[i] >> part) & 1) << 4;
                values[(32 * part) + i] = (scale * factor * (q | fifth)) - (minimum * offset);
            }
        }
    }

    // Value 128 h + 32 s + i: the low four bits in byte 64 h + 32 (s mod 2) + i, below for s < 2; the upper two at 2s of byte 32 h + i.
    private static void DecodeQ6(ReadOnlySpan<byte> block, Span<float> values)
    {
        var scale = GgmlFormat.Scale(block[208..]);
        for (var v = 0; v < BlockValues; v++)
        {
            var (h, s, i) = (v / 128, v / 32 % 4, v % 32);
            var low = (block[(64 * h) + (32 * (s % 2)) + i] >> (4 * (s / 2))) & 0xF;
            var upper = (block[128 + (32 * h) + i] >> (2 * s)) & 3;
            values[v] = scale * (sbyte)block[192 + (v / 16)] * ((low | (upper << 4)) - 32);
        }
    }
}
