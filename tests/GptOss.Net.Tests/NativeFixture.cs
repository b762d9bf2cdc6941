using System.Runtime.CompilerServices;
using GptOss.Net.Interop;

namespace GptOss.Net.Tests;

/// <summary>Loads libtorch when the tests' assembly starts, so that every test can use TorchSharp on any system.</summary>
internal static class NativeFixture
{
    [ModuleInitializer]
    internal static void LoadLibTorch() => NativeLibraries.EnsureLoaded();
}
