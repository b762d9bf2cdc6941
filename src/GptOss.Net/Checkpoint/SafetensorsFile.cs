using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace GptOss.Net.Checkpoint;

/// <summary>One open safetensors file. Reads are positional, so any number of threads may read at once.</summary>
internal sealed class SafetensorsFile : IDisposable
{
    private const int LengthPrefix = sizeof(ulong);

    private readonly SafeFileHandle _handle;

    private SafetensorsFile(string path, SafeFileHandle handle)
    {
        Path = path;
        _handle = handle;
        Length = RandomAccess.GetLength(handle);
        var headerLength = ReadHeaderLength();
        DataOffset = LengthPrefix + headerLength;
        var json = new byte[headerLength];
        Read(LengthPrefix, json, tensor: null);
        var header = SafetensorsHeader.Parse(json, Length - DataOffset, path);
        Tensors = [.. header.Tensors.Select(entry => new CheckpointTensor(this, entry))];
    }

    public string Path { get; }

    /// <summary>Gets the size of the whole file in bytes.</summary>
    public long Length { get; }

    /// <summary>Gets where the data section begins, in bytes from the start of the file. It reaches to the end of the file.</summary>
    public long DataOffset { get; }

    /// <summary>Gets the tensors in the order of their data.</summary>
    public IReadOnlyList<CheckpointTensor> Tensors { get; }

    /// <summary>Opens a file and checks its header; no tensor is read.</summary>
    /// <param name="path">The path of the file.</param>
    public static SafetensorsFile Open(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.RandomAccess);
            var file = new SafetensorsFile(path, handle);
            handle = null;
            return file;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new CheckpointException($"cannot be opened: {exception.Message}", path, tensor: null, exception);
        }
        finally
        {
            handle?.Dispose();
        }
    }

    /// <summary>Fills <paramref name="destination"/> with the bytes at <paramref name="offset"/> of the file.</summary>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <param name="destination">Where the bytes go.</param>
    /// <param name="tensor">The tensor that they belong to, for messages.</param>
    public void Read(long offset, Span<byte> destination, string? tensor)
    {
        try
        {
            while (!destination.IsEmpty)
            {
                var count = RandomAccess.Read(_handle, destination, offset);
                if (count == 0)
                {
                    throw new CheckpointException(
                        $"the file ends at byte {offset:N0}, {destination.Length:N0} bytes too early. It changed while it was open, or is truncated.",
                        Path,
                        tensor);
                }

                destination = destination[count..];
                offset += count;
            }
        }
        catch (IOException exception)
        {
            throw new CheckpointException($"reading at byte {offset:N0} failed: {exception.Message}", Path, tensor, exception);
        }
    }

    public void Dispose() => _handle.Dispose();

    private int ReadHeaderLength()
    {
        if (Length < LengthPrefix)
        {
            throw new CheckpointException($"is {Length} bytes long, too short for a safetensors file.", Path, tensor: null);
        }

        Span<byte> start = stackalloc byte[Math.Min(LfsPointer.Start.Length, (int)Math.Min(Length, int.MaxValue))];
        Read(0, start, tensor: null);
        LfsPointer.Refuse(start, Path);
        var prefix = start[..LengthPrefix];
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > SafetensorsHeader.MaxLength)
        {
            throw new CheckpointException(
                $"claims a header of {length:N0} bytes; at most {SafetensorsHeader.MaxLength:N0} are accepted. Is this a safetensors file?",
                Path,
                tensor: null);
        }

        if ((long)length > Length - LengthPrefix)
        {
            throw new CheckpointException(
                $"claims a header of {length:N0} bytes, but is {Length:N0} bytes long. It is truncated: download it again.", Path, tensor: null);
        }

        return (int)length;
    }
}
