using System.Buffers.Binary;
using System.Text;
using CsCheck;
using GptOss.Net.Interop;
using static GptOss.Net.Tests.Interop.LibTorchFiles;

namespace GptOss.Net.Tests.Interop;

public sealed class ElfVersionNeedsTests
{
    [Fact]
    public void One_flag_of_the_real_file_changes()
    {
        var original = ReadLibTorchSharp();
        var patched = original.ToArray();

        ElfVersionNeeds.MarkWeak(patched, StandardLibrary, TooNewVersion).Should().BeTrue();

        var differing = Enumerable.Range(0, original.Length).Where(index => original[index] != patched[index]).ToArray();
        differing.Should().ContainSingle();
        patched[differing[0]].Should().Be(2);
    }

    [Fact]
    public void Marking_twice_changes_nothing_more()
    {
        var patched = ReadLibTorchSharp();
        ElfVersionNeeds.MarkWeak(patched, StandardLibrary, TooNewVersion);
        var once = patched.ToArray();

        ElfVersionNeeds.MarkWeak(patched, StandardLibrary, TooNewVersion).Should().BeFalse();

        patched.AsSpan().SequenceEqual(once).Should().BeTrue();
    }

    [Fact]
    public void The_right_entry_is_found_among_several()
    {
        var file = SmallElfFile();

        ElfVersionNeeds.MarkWeak(file, "libb.so", "B_2").Should().BeTrue();

        file.Should().Equal(SmallElfFile(weakEntry: 2));
    }

    [Theory]
    [InlineData("libb.so", "B_9")]
    [InlineData("libb.so", "A_1")]
    [InlineData("libc.so", "B_1")]
    public void A_file_that_does_not_ask_for_the_version_is_refused(string library, string version)
    {
        var mark = () => ElfVersionNeeds.MarkWeak(SmallElfFile(), library, version);

        mark.Should().Throw<NativeLibraryException>().WithMessage($"*does not ask for version {version} of {library}*");
    }

    [Fact]
    public void Unknown_flags_are_refused()
    {
        var file = SmallElfFile();
        file[SmallFlagsOffset(2)] = 1;

        var mark = () => ElfVersionNeeds.MarkWeak(file, "libb.so", "B_2");

        mark.Should().Throw<NativeLibraryException>().WithMessage("*unknown flags*");
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        var whole = SmallElfFile();
        for (var length = 0; length < whole.Length; length++)
        {
            var mark = () => ElfVersionNeeds.MarkWeak(whole.AsSpan(0, length), "libb.so", "B_2");

            mark.Should().Throw<NativeLibraryException>();
        }
    }

    [Fact]
    public void Random_bytes_are_refused() =>
        Gen.Byte.Array[0, 300].Sample(bytes => IsMarked(bytes).Should().BeFalse());

    [Fact]
    public void Damaged_files_are_refused_or_changed_in_two_bytes_at_most() =>
        Gen.Select(Gen.Int[0, SmallElfFile().Length - 8], Gen.Byte.Array[1, 8]).Sample((offset, damage) =>
        {
            var file = SmallElfFile();
            damage.CopyTo(file, offset);
            var before = file.ToArray();
            IsMarked(file);
            before.Zip(file).Count(pair => pair.First != pair.Second).Should().BeLessThanOrEqualTo(2);
        });

    /// <summary>Any other exception escapes and fails the test.</summary>
    private static bool IsMarked(byte[] file)
    {
        try
        {
            ElfVersionNeeds.MarkWeak(file, "libb.so", "B_2");
            return true;
        }
        catch (NativeLibraryException)
        {
            return false;
        }
    }

    private static int SmallFlagsOffset(int entry) => 64 + 32 + (entry switch { 0 => 16, 1 => 48, _ => 64 }) + 4;

    /// <summary>
    /// Header, 32 bytes of strings, a version table (liba.so: A_1; libb.so: B_1, B_2), then the section headers none, strings, needs.
    /// </summary>
    private static byte[] SmallElfFile(int weakEntry = -1)
    {
        const int StringsAt = 64;
        const int TableAt = StringsAt + 32;
        var file = new byte[TableAt + 80 + (3 * 64)];
        "\u007FELF\u0002\u0001\u0001"u8.CopyTo(file);
        Write64(file, 40, TableAt + 80);
        Write16(file, 58, 64);
        Write16(file, 60, 3);
        Encoding.ASCII.GetBytes("\0liba.so\0A_1\0libb.so\0B_1\0B_2\0").CopyTo(file, StringsAt);
        WriteNeed(file, TableAt, versions: 1, library: 1, next: 32);
        WriteVersion(file, TableAt + 16, name: 9, next: 0);
        WriteNeed(file, TableAt + 32, versions: 2, library: 13, next: 0);
        WriteVersion(file, TableAt + 48, name: 21, next: 16);
        WriteVersion(file, TableAt + 64, name: 25, next: 0);
        WriteSection(file, TableAt + 80 + 64, type: 3, offset: StringsAt, size: 32, link: 0, count: 0);
        WriteSection(file, TableAt + 80 + 128, type: 0x6FFFFFFE, offset: TableAt, size: 80, link: 1, count: 2);
        if (weakEntry >= 0)
        {
            Write16(file, SmallFlagsOffset(weakEntry), 2);
        }

        return file;
    }

    private static void WriteNeed(byte[] file, int at, ushort versions, uint library, uint next)
    {
        Write16(file, at, 1);
        Write16(file, at + 2, versions);
        Write32(file, at + 4, library);
        Write32(file, at + 8, 16);
        Write32(file, at + 12, next);
    }

    private static void WriteVersion(byte[] file, int at, uint name, uint next)
    {
        Write32(file, at + 8, name);
        Write32(file, at + 12, next);
    }

    private static void WriteSection(byte[] file, int at, uint type, long offset, long size, uint link, uint count)
    {
        Write32(file, at + 4, type);
        Write64(file, at + 24, offset);
        Write64(file, at + 32, size);
        Write32(file, at + 40, link);
        Write32(file, at + 44, count);
    }

    private static void Write16(byte[] file, int at, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), value);

    private static void Write32(byte[] file, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(at), value);

    private static void Write64(byte[] file, int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(at), value);
}
