namespace GptOss.Net.Quantization;

/// <summary>
/// OCP MXFP4: blocks of 32 e2m1 values that share one power-of-two scale. Byte j of a block's 16 holds value 2j in its low
/// nibble and value 2j + 1 in its high one; a nibble is a sign bit over an index into 0, 0.5, 1, 1.5, 2, 3, 4, 6.
/// </summary>
internal static class Mxfp4Format
{
    /// <summary>Values that share a scale.</summary>
    public const int GroupSize = 32;

    /// <summary>Bytes of a block, its scale not included.</summary>
    public const int BlockBytes = 16;

    /// <summary>A scale byte s stands for 2^(s − 127); 255 is NaN.</summary>
    public const int ScaleBias = 127;

    // 6 is 1.5 · 2^2, so the largest e2m1 value has this exponent.
    private const int MaxExponent = 2;

    /// <summary>Gets what each of the 16 nibbles stands for.</summary>
    public static ReadOnlySpan<float> Values =>
        [0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6];

    public static float DecodeScale(byte scale) => scale == byte.MaxValue ? float.NaN : MathF.ScaleB(1, scale - ScaleBias);

    /// <summary>Decodes whole blocks.</summary>
    /// <param name="blocks">16 bytes for each block.</param>
    /// <param name="scales">A byte for each block.</param>
    /// <param name="destination">32 values for each block.</param>
    public static void Decode(ReadOnlySpan<byte> blocks, ReadOnlySpan<byte> scales, Span<float> destination)
    {
        CheckLengths(destination.Length, blocks.Length, scales.Length);
        for (var block = 0; block < scales.Length; block++)
        {
            var scale = DecodeScale(scales[block]);
            var source = blocks.Slice(block * BlockBytes, BlockBytes);
            var values = destination.Slice(block * GroupSize, GroupSize);
            for (var i = 0; i < BlockBytes; i++)
            {
                values[2 * i] = Values[source[i] & 0xF] * scale;
                values[(2 * i) + 1] = Values[source[i] >> 4] * scale;
            }
        }
    }

    /// <summary>
    /// Encodes whole blocks of finite values. Each block takes the scale of the smaller squared error: the one that its largest
    /// value asks for (which may cut that value to 6), or the next larger.
    /// </summary>
    /// <param name="values">32 values for each block.</param>
    /// <param name="blocks">16 bytes for each block.</param>
    /// <param name="scales">A byte for each block.</param>
    public static void Encode(ReadOnlySpan<float> values, Span<byte> blocks, Span<byte> scales)
    {
        CheckLengths(values.Length, blocks.Length, scales.Length);
        for (var block = 0; block < scales.Length; block++)
        {
            EncodeBlock(
                values.Slice(block * GroupSize, GroupSize), blocks.Slice(block * BlockBytes, BlockBytes), out scales[block]);
        }
    }

    private static void EncodeBlock(ReadOnlySpan<float> values, Span<byte> block, out byte scale)
    {
        var largest = 0f;
        foreach (var value in values)
        {
            largest = MathF.Max(largest, MathF.Abs(value));
        }

        if (!float.IsFinite(largest))
        {
            throw new ArgumentException("MXFP4 stores finite values only.", nameof(values));
        }

        var exponent = largest == 0 ? -ScaleBias : MathF.ILogB(largest) - MaxExponent;
        scale = (byte)Math.Clamp(exponent + ScaleBias, 0, byte.MaxValue - 2);
        if (Error(values, (byte)(scale + 1)) < Error(values, scale))
        {
            scale++;
        }

        var factor = DecodeScale(scale);
        for (var i = 0; i < BlockBytes; i++)
        {
            block[i] = (byte)(Nearest(values[2 * i] / factor) | (Nearest(values[(2 * i) + 1] / factor) << 4));
        }
    }

    private static double Error(ReadOnlySpan<float> values, byte scale)
    {
        var factor = DecodeScale(scale);
        var sum = 0.0;
        foreach (var value in values)
        {
            var difference = (double)value - (Values[Nearest(value / factor)] * factor);
            sum += difference * difference;
        }

        return sum;
    }

    /// <summary>The nibble nearest to a value; of two equally near ones, the one with the even index.</summary>
    private static int Nearest(float value)
    {
        var magnitude = MathF.Abs(value);
        var index = magnitude switch
        {
            <= 0.25f => 0,
            < 0.75f => 1,
            <= 1.25f => 2,
            < 1.75f => 3,
            <= 2.5f => 4,
            < 3.5f => 5,
            <= 5f => 6,
            _ => 7,
        };
        return float.IsNegative(value) ? index | 8 : index;
    }

    private static void CheckLengths(int values, int blocks, int scales)
    {
        if (blocks != (long)scales * BlockBytes || values != (long)scales * GroupSize)
        {
            throw new ArgumentException(
                $"{scales} scales go with {(long)scales * BlockBytes} block bytes and {(long)scales * GroupSize} values, "
                + $"not {blocks} and {values}.",
                nameof(scales));
        }
    }
}
