using System.Runtime.CompilerServices;
using GptOss.Net.Interop;

namespace GptOss.Net.Tests;

/// <summary>Loads libtorch when the tests' assembly starts, so that every test can use TorchSharp on any system.</summary>
internal static class NativeFixture
{
    [ModuleInitializer]
    internal static void LoadLibTorch()
    {
        NativeLibraries.EnsureLoaded();

        // Tests run side by side on small models: more threads in each would only wait for one another.
        TorchSharp.torch.set_num_threads(1);
    }
}
