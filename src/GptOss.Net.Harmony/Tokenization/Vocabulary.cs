using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.IO.Compression;
using System.Numerics;
using System.Text;

namespace GptOss.Net.Harmony;

/// <summary>The bytes of every token, and the token of given bytes. The id of an ordinary token is also its merge rank.</summary>
internal sealed class Vocabulary
{
    /// <summary>Ordinary tokens: ids 0 to this number minus one; the control tokens follow directly.</summary>
    public const int OrdinaryCount = ControlToken.First;

    private const string DataType = "Microsoft.ML.Tokenizers.O200kBaseTokenizerData, Microsoft.ML.Tokenizers.Data.O200kBase";
    private const string DataResource = "o200k_base.tiktoken.deflate";
    private const int SlotBits = 19;
    private const int IdCount = ControlToken.Last + 1;

    private readonly byte[] _bytes; // all tokens, one after the other
    private readonly int[] _offsets; // [IdCount + 1], where each id begins in _bytes
    private readonly int[] _slots = new int[1 << SlotBits]; // open addressing over ordinary tokens: id + 1, or 0 when free
    private readonly int _longest;
    private readonly double[] _shares = new double[256]; // of a byte in a token: 1 / the longest ordinary token that holds it

    private Vocabulary(byte[] bytes, int[] offsets)
    {
        (_bytes, _offsets) = (bytes, offsets);
        for (var id = 0; id < OrdinaryCount; id++)
        {
            var token = GetBytes(id);
            _longest = Math.Max(_longest, token.Length);
            foreach (var value in token)
            {
                _shares[value] = Math.Max(_shares[value], token.Length);
            }

            var slot = SlotOf(token);
            while (_slots[slot] != 0)
            {
                slot = (slot + 1) & (_slots.Length - 1);
            }

            _slots[slot] = id + 1;
        }

        for (var value = 0; value < _shares.Length; value++)
        {
            _shares[value] = 1 / Math.Max(_shares[value], 1);
        }
    }

    /// <summary>Reads the o200k_base vocabulary that the data package embeds: one base64 token a line, in rank order.</summary>
    public static Vocabulary Load()
    {
        // A constant type name: the trimmer and the AOT compiler keep the data assembly because of it.
        var assembly = Type.GetType(DataType, throwOnError: true)!.Assembly;
        using var resource = assembly.GetManifestResourceStream(DataResource)
            ?? throw new InvalidOperationException($"The resource {DataResource} is missing from {assembly.FullName}.");
        using var inflated = new MemoryStream(capacity: 3 << 20);
        using (var deflate = new DeflateStream(resource, CompressionMode.Decompress))
        {
            deflate.CopyTo(inflated);
        }

        return Parse(inflated.GetBuffer().AsSpan(0, (int)inflated.Length));
    }

    /// <summary>The bytes of a token; empty when the id does not exist.</summary>
    public ReadOnlySpan<byte> GetBytes(int id) =>
        (uint)id < IdCount ? _bytes.AsSpan(_offsets[id].._offsets[id + 1]) : default;

    /// <summary>The ordinary token with exactly these bytes, or -1.</summary>
    public int Find(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _longest)
        {
            return -1;
        }

        for (var slot = SlotOf(bytes); _slots[slot] != 0; slot = (slot + 1) & (_slots.Length - 1))
        {
            var id = _slots[slot] - 1;
            if (GetBytes(id).SequenceEqual(bytes))
            {
                return id;
            }
        }

        return -1;
    }

    /// <summary>A number of tokens that no encoding of a text is below: the shares of the bytes of one token sum up to at most 1.</summary>
    public int LeastTokens(ReadOnlySpan<byte> text)
    {
        const double Rounding = 1 - 1e-9;
        var sum = 0.0;
        foreach (var value in text)
        {
            sum += _shares[value];
        }

        return (int)(sum * Rounding);
    }

    private static Vocabulary Parse(ReadOnlySpan<byte> lines)
    {
        var bytes = new byte[lines.Length];
        var offsets = new int[IdCount + 1];
        var (id, end) = (0, 0);
        lines = lines[(lines.IndexOf((byte)'\n') + 1)..]; // "Capacity: N"
        while (id < OrdinaryCount && !lines.IsEmpty)
        {
            var lineEnd = lines.IndexOf((byte)'\n');
            var line = (lineEnd < 0 ? lines : lines[..lineEnd]).TrimEnd((byte)'\r');
            lines = lineEnd < 0 ? default : lines[(lineEnd + 1)..];
            if (Base64.DecodeFromUtf8(line, bytes.AsSpan(end), out _, out var written) != OperationStatus.Done || written == 0)
            {
                throw new InvalidOperationException($"Token {id} of {DataResource} is not base64 text.");
            }

            offsets[id++] = end;
            end += written;
        }

        if (id != OrdinaryCount)
        {
            throw new InvalidOperationException($"{DataResource} holds {id} tokens; o200k_base has {OrdinaryCount}.");
        }

        for (; id < IdCount; id++)
        {
            offsets[id] = end;
            end += Encoding.UTF8.GetBytes(ControlToken.GetSpelling(id), bytes.AsSpan(end));
        }

        offsets[IdCount] = end;
        return new Vocabulary(bytes, offsets);
    }

    private static int SlotOf(ReadOnlySpan<byte> bytes)
    {
        const ulong Multiplier = 0x9E3779B97F4A7C15;
        var hash = (ulong)bytes.Length;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            hash = (BitOperations.RotateLeft(hash, 23) ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes)) * Multiplier;
        }

        var tail = 0UL;
        foreach (var value in bytes)
        {
            tail = (tail << 8) | value;
        }

        hash = (BitOperations.RotateLeft(hash, 23) ^ tail) * Multiplier;
        return (int)((hash ^ (hash >> 29)) * Multiplier >> (64 - SlotBits));
    }
}
