using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Quantization;

namespace GptOss.Net.Execution.Cuda;

/// <summary>
/// Packed matrices as the host reads them, value by value (<c>weights.cu</c> draws the layouts): what a self-test compares with.
/// </summary>
internal static class PackedBytes
{
    private const int Chunk = 64;

    /// <summary>Where the value at k lies in activations for the experts.</summary>
    public static int P64(int k) => (k & ~63) + ((k >> 3 & 1) << 5) + ((k & 3) << 3) + ((k >> 4 & 3) << 1) + (k >> 2 & 1);

    /// <summary>Random strips whose values are of the size of weights (int8: with a row's scale of 1).</summary>
    public static byte[] Dense(Random random, DenseFormat format, int rows, int k)
    {
        var bytes = new byte[DenseWeights.Bytes(format, rows, k)];
        random.NextBytes(bytes);
        for (var i = 0; i < bytes.Length; i += sizeof(ushort))
        {
            if (format == DenseFormat.Bf16 || (format == DenseFormat.Int4 && i % 320 >= 256))
            {
                Write(random, bytes, i, isGroup: format == DenseFormat.Int4, i % 4 == 0);
            }
        }

        return bytes;
    }

    /// <summary>One random expert's tiles.</summary>
    public static byte[] Expert(Random random, ExpertFormat format, int rows, int k)
    {
        var bytes = new byte[ExpertWeights.Bytes(format, rows, k)];
        random.NextBytes(bytes);
        for (var i = 0; i < bytes.Length; i += sizeof(ushort))
        {
            if (format == ExpertFormat.Bf16 || (format == ExpertFormat.Int4 && i % 640 >= 512))
            {
                Write(random, bytes, i, isGroup: format == ExpertFormat.Int4, i % 4 == 0);
            }
            else if (format == ExpertFormat.Mxfp4 && i % 544 >= 512)
            {
                (bytes[i], bytes[i + 1]) = ((byte)random.Next(119, 122), (byte)random.Next(119, 122));
            }
        }

        return bytes;
    }

    /// <summary>A value of strips; int8: in units of the row's scale · 2⁻¹³.</summary>
    public static double Dense(byte[] strips, DenseFormat format, int k, int row, int column)
    {
        var bytes = DenseWeights.ChunkBytes(format);
        var chunk = strips.AsSpan(((row / 8 * (k / Chunk)) + (column / Chunk)) * bytes, bytes);
        var (r, at) = (row % 8, column % Chunk);
        if (format == DenseFormat.Bf16)
        {
            return Bf16(chunk, (r * 128) + ((at / 8 ^ r) * 16) + (at % 8 * 2));
        }

        // A step has 16 values; a word holds 2 i, 2 i + 1, 2 i + 8 and 2 i + 9 of them.
        var (step, i, e) = (at / 16, at % 8 / 2, (at & 1) + (at % 16 / 8 * 2));
        var lane = (r * 4) + i;
        if (format == DenseFormat.Int8)
        {
            var word = BitConverter.ToUInt32(chunk[((lane * 16) + (step * 4))..]) >> (e % 2 * 16);
            var (magnitude, sign) = e < 2 ? (word & 0x7F, word >> 15 & 1) : (word >> 8 & 0x7F, word >> 7 & 1);
            return (sign == 0 ? magnitude : -(double)magnitude) / 8192;
        }

        var nibble = BitConverter.ToUInt32(chunk[((lane * 8) + (step / 2 * 4))..]) >> (((step % 2 * 4) + e) * 4) & 15;
        return Awq(nibble, chunk[(256 + (r * 8) + (step / 2 * 4))..]);
    }

    /// <summary>A value of an expert's tiles.</summary>
    /// <param name="tiles">The expert's.</param>
    /// <param name="format">Their format.</param>
    /// <param name="k">The matrix's width.</param>
    /// <param name="row">Its row.</param>
    /// <param name="column">Its column.</param>
    /// <param name="alternate">Whether rows are gates and ups in turn.</param>
    public static double Expert(byte[] tiles, ExpertFormat format, int k, int row, int column, bool alternate)
    {
        var bytes = ExpertWeights.ChunkBytes(format);
        var chunk = tiles.AsSpan(((row / 16 * (k / Chunk)) + (column / Chunk)) * bytes, bytes);
        var place = alternate ? (row % 16 / 2) + (row % 2 * 8) : row % 16;
        var at = column % Chunk;
        var (i, word, v) = (at / 16, at / 8 % 2, at % 8);
        if (format == ExpertFormat.Bf16)
        {
            var (step, lane, register) = ((word * 2) + (v % 4 / 2), (place % 8 * 4) + i, (v % 2 * 2) + (place / 8));
            return Bf16(chunk, (step * 512) + (lane * 16) + (register * 4) + (v / 4 * 2));
        }

        var bits = BitConverter.ToUInt32(chunk[((place * 32) + (i * 8) + (word * 4))..]);
        if (format == ExpertFormat.Int4)
        {
            return Awq(bits >> (((v % 4 * 2) + (v / 4)) * 4) & 15, chunk[(512 + (place * 8) + (at / 32 * 4))..]);
        }

        var half = bits >> (v / 4 * 16);
        var nibble = (v % 4) switch
        {
            0 => (half >> 12 & 8) | (half >> 6 & 7),
            1 => (half >> 9 & 8) | (half >> 3 & 7),
            2 => (half >> 6 & 8) | (half & 7),
            _ => (half >> 11 & 8) | (half >> 11 & 4) | (half >> 10 & 3),
        };
        return Mxfp4Format.Values[(int)nibble] * (double)Mxfp4Format.DecodeScale(chunk[512 + (place * 2) + (at / 32)]);
    }

    private static double Awq(uint nibble, ReadOnlySpan<byte> group) => Bf16Format.ToSingle(Bf16Format.FromSingle(
        ((float)nibble - BitConverter.ToUInt16(group[2..])) * (float)BitConverter.ToHalf(group)));

    private static double Bf16(ReadOnlySpan<byte> chunk, int at) => Bf16Format.ToSingle(BitConverter.ToUInt16(chunk[at..]));

    /// <summary>A bfloat16 value; or half of a group: its scale, and its zero after it.</summary>
    private static void Write(Random random, byte[] bytes, int at, bool isGroup, bool isScale)
    {
        var value = (float)(((2 * random.NextDouble()) - 1) * 0.05);
        var bits = !isGroup ? Bf16Format.FromSingle(value)
            : isScale ? BitConverter.HalfToUInt16Bits((Half)value)
            : (ushort)random.Next(16);
        BitConverter.TryWriteBytes(bytes.AsSpan(at), bits);
    }
}
