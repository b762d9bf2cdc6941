using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace GptOss.Net.Checkpoint.Gguf;

/// <summary>
/// Reads numbers and texts from the header of a GGUF file, one after the other, and no further than the header may reach.
/// </summary>
internal sealed class GgufReader(ITensorSource file, long length)
{
    // The header of the published file has 13 MB, nearly all of it the tokenizer.
    private const long MaxLength = 256L << 20;
    private const int BufferBytes = 64 << 10;

    private readonly byte[] _buffer = new byte[(int)Math.Min(BufferBytes, length)];
    private long _bufferStart;
    private int _buffered;

    /// <summary>Gets the place of the next byte in the file.</summary>
    public long Position { get; private set; }

    public string Path => file.Path;

    public byte Byte() => Take(sizeof(byte))[0];

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort)));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));

    /// <summary>
    /// A count of things that take at least some bytes each; one that cannot be true is refused before anything is made for it.
    /// </summary>
    public long Count(string what, int smallestBytes)
    {
        var count = UInt64();
        return count <= (ulong)((Math.Min(length, MaxLength) - Position) / smallestBytes)
            ? (long)count
            : throw Invalid($"claims {count:N0} {what}, more than the {length:N0} bytes of the file can hold");
    }

    /// <summary>A text of UTF-8 with its length before it.</summary>
    public string Text(string what, int maxBytes)
    {
        var count = Count($"bytes of {what}", 1);
        if (count > maxBytes)
        {
            throw Invalid($"has {what} of {count:N0} bytes; at most {maxBytes:N0} are accepted");
        }

        var bytes = Take((int)count);
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw Invalid($"has {what} that is not valid UTF-8");
    }

    public void Skip(long bytes)
    {
        if (bytes > Math.Min(length, MaxLength) - Position)
        {
            throw TooLong();
        }

        Position += bytes;
    }

    public CheckpointException Invalid(string found) =>
        new($"the header {found}, at byte {Position:N0}. Is this a GGUF file, and was it downloaded completely?", Path, tensor: null);

    /// <summary>The next bytes; at most as many as the buffer has, which are valid until the next call.</summary>
    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > Math.Min(length, MaxLength) - Position)
        {
            throw TooLong();
        }

        if (Position < _bufferStart || Position + count > _bufferStart + _buffered)
        {
            _bufferStart = Position;
            _buffered = (int)Math.Min(_buffer.Length, length - Position);
            file.Read(Position, _buffer.AsSpan(0, _buffered), tensor: null);
        }

        var taken = _buffer.AsSpan((int)(Position - _bufferStart), count);
        Position += count;
        return taken;
    }

    private CheckpointException TooLong() => new(
        $"the header ends behind byte {Math.Min(length, MaxLength):N0}, "
        + $"where {(length <= MaxLength ? "the file ends: download it again" : "a header may reach at most")}.",
        Path,
        tensor: null);
}
