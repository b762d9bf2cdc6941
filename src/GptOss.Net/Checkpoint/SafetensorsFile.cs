using System.Buffers.Binary;

namespace GptOss.Net.Checkpoint;

/// <summary>One open safetensors file.</summary>
internal sealed class SafetensorsFile : ITensorSource, IDisposable
{
    private const int LengthPrefix = sizeof(ulong);

    private readonly CheckpointFile _file;

    private SafetensorsFile(CheckpointFile file)
    {
        _file = file;
        var headerLength = ReadHeaderLength();
        DataOffset = LengthPrefix + headerLength;
        var json = new byte[headerLength];
        Read(LengthPrefix, json, tensor: null);
        var header = SafetensorsHeader.Parse(json, Length - DataOffset, Path);
        Tensors = [.. header.Tensors.Select(
            entry => new CheckpointTensor(this, entry.Name, entry.Type, entry.Shape, checked(DataOffset + entry.Begin)))];
    }

    public string Path => _file.Path;

    /// <summary>Gets the size of the whole file in bytes.</summary>
    public long Length => _file.Length;

    /// <summary>Gets where the data section begins, in bytes from the start of the file. It reaches to the end of the file.</summary>
    public long DataOffset { get; }

    /// <summary>Gets the tensors in the order of their data.</summary>
    public IReadOnlyList<CheckpointTensor> Tensors { get; }

    /// <summary>Opens a file and checks its header; no tensor is read.</summary>
    /// <param name="path">The path of the file.</param>
    public static SafetensorsFile Open(string path)
    {
        var file = CheckpointFile.Open(path);
        try
        {
            return new SafetensorsFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Read(long offset, Span<byte> destination, string? tensor) => _file.Read(offset, destination, tensor);

    public void Dispose() => _file.Dispose();

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
                $"claims a header of {length:N0} bytes, but is {Length:N0} bytes long. It is truncated: download it again.", Path,
                tensor: null);
        }

        return (int)length;
    }
}
