using System.Buffers.Binary;
using System.Text;

namespace GptOss.Net.Interop;

/// <summary>Reads and edits the list of symbol versions that an ELF file (64-bit, little-endian) asks of other libraries.</summary>
/// <remarks>
/// The loader refuses a file that asks for a version which the installed library lacks, unless the entry is marked weak. Marking it is safe
/// where nothing in the file is bound to a symbol of that version. Every offset is checked; anything unexpected is refused.
/// </remarks>
internal static class ElfVersionNeeds
{
    private const int HeaderSize = 64;
    private const int SectionHeaderSize = 64;
    private const int NeedSize = 16;
    private const int NeedVersionSize = 16;
    private const uint SectionTypeVersionNeeds = 0x6FFFFFFE;
    private const uint SectionTypeStrings = 3;
    private const ushort WeakFlag = 0x2;

    /// <summary>Marks the one entry for <paramref name="version"/> of <paramref name="library"/> weak, in place.</summary>
    /// <returns><see langword="false"/> if it was weak already.</returns>
    /// <exception cref="NativeLibraryException">The file is of another kind, is damaged, or has not exactly one such entry.</exception>
    internal static bool MarkWeak(Span<byte> file, string library, string version)
    {
        var flagsOffset = FindFlags(file, library, version);
        var flags = file.Slice(flagsOffset, sizeof(ushort));
        var value = BinaryPrimitives.ReadUInt16LittleEndian(flags);
        if ((value & ~WeakFlag) != 0)
        {
            throw Refuse($"the entry of version {version} has the unknown flags 0x{value:X}");
        }

        BinaryPrimitives.WriteUInt16LittleEndian(flags, WeakFlag);
        return value == 0;
    }

    private static int FindFlags(ReadOnlySpan<byte> file, string library, string version)
    {
        var sections = Sections(file);
        var needs = FindNeeds(sections);
        var strings = LinkedStrings(file, sections, needs);
        var table = Part(file, ReadOffset(needs, 24), ReadOffset(needs, 32), "the version table");
        var tableOffset = checked((int)ReadOffset(needs, 24));
        var found = -1;
        var position = 0L;
        for (var left = ReadUInt32(needs, 44); left > 0; left--)
        {
            var need = Part(table, position, NeedSize, "a version entry");
            if (NameAt(strings, ReadUInt32(need, 4)).SequenceEqual(Encoding.ASCII.GetBytes(library)))
            {
                var hit = FindVersion(table, position, need, strings, version);
                if (hit >= 0 && found >= 0)
                {
                    throw Refuse($"version {version} of {library} is listed twice");
                }

                found = hit >= 0 ? hit : found;
            }

            position += Step(ReadUInt32(need, 12), left);
        }

        return found >= 0
            ? checked(tableOffset + found + 4)
            : throw Refuse($"it does not ask for version {version} of {library}");
    }

    /// <summary>Offset of the version's entry in the table, or -1.</summary>
    private static int FindVersion(
        ReadOnlySpan<byte> table, long needPosition, ReadOnlySpan<byte> need, ReadOnlySpan<byte> strings, string version)
    {
        var expected = Encoding.ASCII.GetBytes(version);
        var found = -1;
        var position = needPosition + ReadUInt32(need, 8);
        for (uint left = BinaryPrimitives.ReadUInt16LittleEndian(need[2..]); left > 0; left--)
        {
            var entry = Part(table, position, NeedVersionSize, "a version entry");
            if (NameAt(strings, ReadUInt32(entry, 8)).SequenceEqual(expected))
            {
                found = found < 0 ? (int)position : throw Refuse($"version {version} is listed twice");
            }

            position += Step(ReadUInt32(entry, 12), left);
        }

        return found;
    }

    private static ReadOnlySpan<byte> Sections(ReadOnlySpan<byte> file)
    {
        // The magic bytes, 64-bit, little-endian, version 1.
        if (file.Length < HeaderSize || !file[..7].SequenceEqual("\u007FELF\u0002\u0001\u0001"u8))
        {
            throw Refuse("it is no 64-bit little-endian ELF file");
        }

        var entrySize = BinaryPrimitives.ReadUInt16LittleEndian(file[58..]);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(file[60..]);
        if (entrySize != SectionHeaderSize)
        {
            throw Refuse($"its section headers have {entrySize} bytes, not {SectionHeaderSize}");
        }

        return Part(file, ReadOffset(file, 40), (long)count * SectionHeaderSize, "the section headers");
    }

    private static ReadOnlySpan<byte> FindNeeds(ReadOnlySpan<byte> sections)
    {
        for (var offset = 0; offset < sections.Length; offset += SectionHeaderSize)
        {
            var section = sections.Slice(offset, SectionHeaderSize);
            if (ReadUInt32(section, 4) == SectionTypeVersionNeeds)
            {
                return section;
            }
        }

        throw Refuse("it lists no versions of other libraries");
    }

    private static ReadOnlySpan<byte> LinkedStrings(ReadOnlySpan<byte> file, ReadOnlySpan<byte> sections, ReadOnlySpan<byte> needs)
    {
        var section = Part(sections, (long)ReadUInt32(needs, 40) * SectionHeaderSize, SectionHeaderSize, "the string table's header");
        return ReadUInt32(section, 4) == SectionTypeStrings
            ? Part(file, ReadOffset(section, 24), ReadOffset(section, 32), "the string table")
            : throw Refuse("its version table is not linked to a string table");
    }

    private static ReadOnlySpan<byte> NameAt(ReadOnlySpan<byte> strings, uint offset)
    {
        if (offset >= (uint)strings.Length)
        {
            throw Refuse($"a name lies at {offset}, outside of its {strings.Length} bytes of strings");
        }

        var name = strings[(int)offset..];
        var end = name.IndexOf((byte)0);
        return end >= 0 ? name[..end] : throw Refuse("a name has no end");
    }

    /// <summary>The distance to the next entry, which only the last one may leave zero.</summary>
    private static uint Step(uint next, uint left) =>
        next == 0 && left > 1 ? throw Refuse($"its version table ends {left - 1} entries early") : next;

    private static ReadOnlySpan<byte> Part(ReadOnlySpan<byte> bytes, long offset, long length, string what) =>
        offset >= 0 && length >= 0 && offset <= bytes.Length && length <= bytes.Length - offset
            ? bytes.Slice((int)offset, (int)length)
            : throw Refuse($"{what} ({length} bytes at {offset}) lies outside of {bytes.Length} bytes");

    private static uint ReadUInt32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);

    private static long ReadOffset(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadInt64LittleEndian(bytes[offset..]);

    private static NativeLibraryException Refuse(string reason) => new($"The library file cannot be adapted to this system: {reason}.");
}
