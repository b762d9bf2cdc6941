using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using GptOss.Net.Interop;

namespace GptOss.Net.Tests.Interop;

[SupportedOSPlatform("linux")]
public sealed class MemoryFileTests
{
    public MemoryFileTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux has files in memory.");

    [Fact]
    public void It_holds_its_content_until_it_is_disposed()
    {
        string path;
        using (var file = MemoryFile.Create("lib.so", [1, 2, 3]))
        {
            path = file.Path;
            File.ReadAllBytes(path).Should().Equal(1, 2, 3);
        }

        File.Exists(path).Should().BeFalse();
    }

    [Fact]
    public void A_library_loads_from_it()
    {
        var library = File.ReadAllBytes(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "libSystem.Native.so"));
        using var file = MemoryFile.Create("lib.so", library);

        var handle = NativeLibrary.Load(file.Path);

        NativeLibrary.TryGetExport(handle, "SystemNative_GetPid", out _).Should().BeTrue();
    }
}
