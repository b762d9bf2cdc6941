using System.Runtime.Versioning;
using GptOss.Net.Interop;

namespace GptOss.Net.Tests.Interop;

[UnsupportedOSPlatform("windows")]
public sealed class PatchedLibraryStoreTests : IDisposable
{
    private static readonly byte[] Content = [1, 2, 3, 4, 5];
    private readonly TemporaryFolder _folder = new();

    public PatchedLibraryStoreTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "Only Linux libraries are adapted.");

    [Fact]
    public void The_file_has_the_content_and_only_its_owner_can_change_it()
    {
        var file = new PatchedLibraryStore(Path.Combine(_folder.Path, "new")).Keep("lib.so", Content);

        File.ReadAllBytes(file).Should().Equal(Content);
        File.GetUnixFileMode(file).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.GetFileSystemEntries(Path.GetDirectoryName(file)!).Should().Equal(file);
    }

    [Fact]
    public void An_intact_file_is_used_again()
    {
        var store = new PatchedLibraryStore(_folder.Path);
        var first = store.Keep("lib.so", Content);
        File.SetLastWriteTimeUtc(first, DateTime.UnixEpoch);

        var second = store.Keep("lib.so", Content);

        second.Should().Be(first);
        File.GetLastWriteTimeUtc(second).Should().Be(DateTime.UnixEpoch);
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3, 4, 6 })]
    [InlineData(new byte[] { 1, 2 })]
    [InlineData(new byte[] { })]
    public void A_damaged_file_is_replaced(byte[] damaged)
    {
        var store = new PatchedLibraryStore(_folder.Path);
        File.WriteAllBytes(store.Keep("lib.so", Content), damaged);

        File.ReadAllBytes(store.Keep("lib.so", Content)).Should().Equal(Content);
    }

    [Fact]
    public void Different_contents_do_not_share_a_file()
    {
        var store = new PatchedLibraryStore(_folder.Path);

        store.Keep("lib.so", Content).Should().NotBe(store.Keep("lib.so", [9]));
    }

    [Fact]
    public void A_folder_that_others_can_write_is_refused()
    {
        var shared = Path.Combine(_folder.Path, "shared");
        Directory.CreateDirectory(shared);
        File.SetUnixFileMode(shared, (UnixFileMode)0b111_111_111);

        var keep = () => new PatchedLibraryStore(shared).Keep("lib.so", Content);

        keep.Should().Throw<IOException>().WithMessage($"*can write the folder {shared}*");
    }

    [Fact]
    public void Concurrent_writers_all_get_an_intact_file()
    {
        Parallel.For(0, 16, _ =>
            File.ReadAllBytes(new PatchedLibraryStore(_folder.Path).Keep("lib.so", Content)).Should().Equal(Content));
    }

    public void Dispose() => _folder.Dispose();
}
