using System.Buffers.Binary;
using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.Interop;

namespace GptOss.Net.Execution;

/// <summary>
/// A file of weights as an executor has them in memory, mapped read-only: its pages are those of the system's file cache.
/// </summary>
/// <remarks>
/// Little-endian. Every byte is under a checksum, and all are compared before the data is used.
/// <code>
/// 0          "GptOssRW"
/// 8          u32  version of the layout
/// 12         u32  bytes of a block
/// 16         u64  bytes of data
/// 24         what it was made of and for: SHA-256
/// 56         u64  XXH3 of each block of data; the last block may be shorter
/// 2 MiB - 8  u64  XXH3 of all before it; written last
/// 2 MiB      data
/// </code>
/// </remarks>
internal sealed unsafe class RepackedFile : IDisposable
{
    /// <summary>Counted up whenever weights are packed in another way, or allocated in another order (a test tells).</summary>
    public const int Version = 1;

    /// <summary>Where the data begins: so that large pages can hold it.</summary>
    public const int HeaderBytes = 2 << 20;

    private const int BlockBytes = 4 << 20;
    private const int KeyOffset = 24;
    private const int HashesOffset = KeyOffset + KeyBytes;
    private const int KeyBytes = 32;
    private const int SealOffset = HeaderBytes - sizeof(ulong);

    private readonly MemoryMappedFile _mapping;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private readonly long _length;

    private RepackedFile(MemoryMappedFile mapping, long length)
    {
        (_mapping, _length) = (mapping, length);
        _view = mapping.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        HugePages.Advise(_start, (nuint)length);
    }

    private static ReadOnlySpan<byte> Magic => "GptOssRW"u8;

    /// <summary>Gets the data. Whoever writes to it ends the process.</summary>
    public MemoryRange Data => new((nint)_start + HeaderBytes, _length - HeaderBytes);

    private ReadOnlySpan<byte> Header => new(_start, HeaderBytes);

    /// <summary>Maps a file; all but its data is checked.</summary>
    /// <param name="path">The file.</param>
    /// <param name="key">What it must be made of and for, a SHA-256.</param>
    /// <param name="dataBytes">The bytes of data that it must have.</param>
    /// <param name="fault">Why it is not used.</param>
    /// <returns>The file, to be verified before it is used, or <see langword="null"/>.</returns>
    public static RepackedFile? Open(string path, ReadOnlySpan<byte> key, long dataBytes, out RepackFault fault)
    {
        try
        {
            using var handle = File.OpenHandle(path);
            var length = RandomAccess.GetLength(handle);
            fault = length < HeaderBytes ? RepackFault.WrongLength : RepackFault.None;
            if (fault != RepackFault.None)
            {
                return null;
            }

            var mapping = MemoryMappedFile.CreateFromFile(
                handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            var file = new RepackedFile(mapping, length);
            fault = file.Check(key, dataBytes);
            if (fault == RepackFault.None)
            {
                return file;
            }

            file.Dispose();
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            fault = RepackFault.Missing;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            fault = RepackFault.Unreadable;
        }

        return null;
    }

    /// <summary>Compares the checksums of all data, each block on one of the threads; that brings it into memory too.</summary>
    /// <returns>Whether all are right.</returns>
    /// <exception cref="OperationCanceledException">Loading was cancelled.</exception>
    public bool Verify(int threads, WeightReadProgress progress)
    {
        var (next, altered) = (-1L, 0);
        using var pool = new CpuThreadPool(threads);
        pool.Run(_ =>
        {
            while (Volatile.Read(ref altered) == 0 && Interlocked.Increment(ref next) * BlockBytes is var first && first < Data.Bytes)
            {
                var block = Data.Span(first, (int)Math.Min(BlockBytes, Data.Bytes - first));
                if (XxHash3.HashToUInt64(block) != BinaryPrimitives.ReadUInt64LittleEndian(Header[HashOffset(first / BlockBytes)..]))
                {
                    Volatile.Write(ref altered, 1);
                    return;
                }

                progress.Add(block.Length);
            }
        });
        return altered == 0;
    }

    /// <summary>Writes a file, the head last.</summary>
    /// <param name="path">A path that nobody reads from yet.</param>
    /// <param name="key">What it is made of and for, a SHA-256.</param>
    /// <param name="data">The data, range after range.</param>
    /// <param name="cancellationToken">Stops the writing; the file stays unfinished.</param>
    /// <exception cref="IOException">It cannot be written, or the disk has no room for it.</exception>
    public static void Write(string path, ReadOnlySpan<byte> key, IReadOnlyList<MemoryRange> data, CancellationToken cancellationToken)
    {
        var bytes = data.Sum(range => range.Bytes);
        using var handle = File.OpenHandle(
            path, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, preallocationSize: HeaderBytes + bytes);
        var header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), BlockBytes);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(16), bytes);
        key.CopyTo(header.AsSpan(KeyOffset, KeyBytes));
        var (hash, written) = (new XxHash3(), 0L);
        foreach (var range in data)
        {
            for (var first = 0L; first < range.Bytes;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var part = range.Span(first, (int)Math.Min(BlockBytes - (written % BlockBytes), range.Bytes - first));
                RandomAccess.Write(handle, part, HeaderBytes + written);
                hash.Append(part);
                (first, written) = (first + part.Length, written + part.Length);
                if (written % BlockBytes == 0 || written == bytes)
                {
                    BinaryPrimitives.WriteUInt64LittleEndian(
                        header.AsSpan(HashOffset((written - 1) / BlockBytes)), hash.GetCurrentHashAsUInt64());
                    hash.Reset();
                }
            }
        }

        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(SealOffset), XxHash3.HashToUInt64(header.AsSpan(0, SealOffset)));
        RandomAccess.Write(handle, header, 0);
    }

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _mapping.Dispose();
    }

    private static int HashOffset(long block) => checked((int)(HashesOffset + (block * sizeof(ulong)))) is var offset && offset < SealOffset
        ? offset
        : throw new NotSupportedException("So many weights have no place in a file of repacked weights.");

    private RepackFault Check(ReadOnlySpan<byte> key, long dataBytes)
    {
        var header = Header;
        if (header[..HashesOffset].IndexOfAnyExcept((byte)0) < 0)
        {
            return RepackFault.Unfinished;
        }

        if (!header.StartsWith(Magic))
        {
            return RepackFault.Altered;
        }

        // Of another version nothing else is known.
        if (BinaryPrimitives.ReadInt32LittleEndian(header[8..]) != Version)
        {
            return RepackFault.OtherVersion;
        }

        if (BinaryPrimitives.ReadUInt64LittleEndian(header[SealOffset..]) != XxHash3.HashToUInt64(header[..SealOffset])
            || BinaryPrimitives.ReadInt32LittleEndian(header[12..]) != BlockBytes)
        {
            return RepackFault.Altered;
        }

        var stored = BinaryPrimitives.ReadInt64LittleEndian(header[16..]);
        return stored != Data.Bytes ? RepackFault.WrongLength
            : !header.Slice(KeyOffset, KeyBytes).SequenceEqual(key) || stored != dataBytes ? RepackFault.OtherContent
            : RepackFault.None;
    }
}
