using System.Runtime.InteropServices;
using System.Security.Cryptography;
using GptOss.Net.Execution;

namespace GptOss.Net.Tests.Execution;

/// <summary>The file of repacked weights: what is written is what is mapped, and whatever else lies there is noticed.</summary>
public sealed unsafe class RepackedFileTests : IDisposable
{
    private const int DataBytes = (9 << 20) + 192; // two blocks and a part of one

    private static readonly byte[] Key = SHA256.HashData("checkpoint"u8);

    private readonly TemporaryDirectory _directory = new();
    private readonly byte* _data = (byte*)NativeMemory.Alloc(DataBytes);
    private readonly string _path;

    public RepackedFileTests()
    {
        _path = _directory.File("a.weights");
        new Random(1).NextBytes(new Span<byte>(_data, DataBytes));

        // As memory has them: ranges that end anywhere.
        RepackedFile.Write(_path, Key, [new((nint)_data, 1_000_000), new((nint)_data + 1_000_000, DataBytes - 1_000_000)], default);
    }

    public void Dispose()
    {
        NativeMemory.Free(_data);
        _directory.Dispose();
    }

    [Fact]
    public void What_was_written_is_mapped()
    {
        using var file = RepackedFile.Open(_path, Key, DataBytes, out var fault);

        fault.Should().Be(RepackFault.None);
        file!.Data.Bytes.Should().Be(DataBytes);
        file.Data.Span(0, DataBytes).SequenceEqual(new Span<byte>(_data, DataBytes)).Should().BeTrue();
        (file.Data.Start % 4096).Should().Be(0);
        file.Verify(threads: 2, NoProgress()).Should().BeTrue();
    }

    [Fact]
    public void Any_altered_byte_is_noticed()
    {
        var random = new Random(2);
        var length = RepackedFile.HeaderBytes + DataBytes;
        int[] edges = [0, 7, 8, 12, 16, 23, 24, 55, 56, 80, RepackedFile.HeaderBytes - 1, RepackedFile.HeaderBytes, length - 1];
        using var stream = File.Open(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        foreach (var position in edges.Concat(Enumerable.Range(0, LongTests.Cases(50, 200)).Select(_ => random.Next(length))))
        {
            stream.Position = position;
            var before = stream.ReadByte();
            Put(position, (byte)(before ^ (1 << random.Next(8))));

            using (var file = RepackedFile.Open(_path, Key, DataBytes, out var fault))
            {
                (file?.Verify(threads: 2, NoProgress()) ?? false).Should().BeFalse($"byte {position:N0} is another");
                (file is null).Should().Be(fault != RepackFault.None);
            }

            Put(position, (byte)before);
        }

        using var restored = RepackedFile.Open(_path, Key, DataBytes, out _);
        restored!.Verify(threads: 2, NoProgress()).Should().BeTrue();

        void Put(int position, byte value)
        {
            stream.Position = position;
            stream.WriteByte(value);
            stream.Flush();
        }
    }

    [Fact]
    public void Blocks_that_changed_places_are_noticed()
    {
        const int Block = 4 << 20;
        var bytes = File.ReadAllBytes(_path);
        var first = bytes.AsSpan(RepackedFile.HeaderBytes, Block);
        var second = bytes.AsSpan(RepackedFile.HeaderBytes + Block, Block);
        var kept = first.ToArray();
        second.CopyTo(first);
        kept.CopyTo(second);
        File.WriteAllBytes(_path, bytes);

        using var file = RepackedFile.Open(_path, Key, DataBytes, out _);

        file!.Verify(threads: 2, NoProgress()).Should().BeFalse();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(RepackedFile.HeaderBytes - 1)]
    [InlineData(RepackedFile.HeaderBytes)]
    [InlineData(RepackedFile.HeaderBytes + 1)]
    [InlineData(RepackedFile.HeaderBytes + DataBytes - 1)]
    [InlineData(RepackedFile.HeaderBytes + DataBytes + 1)]
    public void Another_length_is_noticed(int length)
    {
        using (var stream = File.Open(_path, FileMode.Open))
        {
            stream.SetLength(length);
        }

        Fault().Should().Be(RepackFault.WrongLength);
    }

    [Fact]
    public void A_file_whose_head_was_not_written_is_unfinished()
    {
        using (var stream = File.Open(_path, FileMode.Open))
        {
            stream.Write(new byte[RepackedFile.HeaderBytes]);
        }

        Fault().Should().Be(RepackFault.Unfinished);
    }

    [Fact]
    public void Another_version_is_told_whatever_else_it_holds()
    {
        using (var stream = File.Open(_path, FileMode.Open))
        {
            stream.Position = 8;
            stream.Write(BitConverter.GetBytes(RepackedFile.Version + 1));
            stream.Write(new byte[100]);
        }

        Fault().Should().Be(RepackFault.OtherVersion);
    }

    [Fact]
    public void What_was_made_of_something_else_is_told()
    {
        RepackedFile.Open(_path, SHA256.HashData("another"u8), DataBytes, out var key).Should().BeNull();
        RepackedFile.Open(_path, Key, DataBytes - 64, out var bytes).Should().BeNull();

        (key, bytes).Should().Be((RepackFault.OtherContent, RepackFault.OtherContent));
    }

    [Fact]
    public void Where_there_is_no_file_or_a_folder_nothing_is_mapped()
    {
        RepackedFile.Open(_directory.File("none"), Key, DataBytes, out var none).Should().BeNull();
        RepackedFile.Open(_directory.Path, Key, DataBytes, out var folder).Should().BeNull();

        (none, folder).Should().Be((RepackFault.Missing, RepackFault.Unreadable));
    }

    private static WeightReadProgress NoProgress() => new(0, (_, _) => { }, default);

    private RepackFault Fault()
    {
        RepackedFile.Open(_path, Key, DataBytes, out var fault).Should().BeNull();
        return fault;
    }
}
