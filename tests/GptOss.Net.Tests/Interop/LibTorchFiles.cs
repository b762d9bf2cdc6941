using GptOss.Net.Interop;

namespace GptOss.Net.Tests.Interop;

/// <summary>The native files in this test's own output folder.</summary>
internal static class LibTorchFiles
{
    internal const string StandardLibrary = "libstdc++.so.6";
    internal const string TooNewVersion = "GLIBCXX_3.4.32";

    internal static LibTorchLocation Location { get; } = LibTorchLocation.Find(null, LibTorchLocation.ApplicationFolders());

    internal static byte[] ReadLibTorchSharp()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux libraries are adapted.");
        return File.ReadAllBytes(Location.LibTorchSharpFile!);
    }
}
