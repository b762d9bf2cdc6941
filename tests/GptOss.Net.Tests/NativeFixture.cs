using System.Runtime.CompilerServices;
using GptOss.Net.Interop;

namespace GptOss.Net.Tests;

/// <summary>
/// Loads libtorch when the tests' assembly starts, so that every test can use TorchSharp on any system: the package's, or that of a
/// PyTorch install which <c>GPTOSS_LIBTORCH</c> names.
/// </summary>
internal static class NativeFixture
{
    [ModuleInitializer]
    internal static void LoadLibTorch()
    {
        NativeLibraries.EnsureLoaded(Environment.GetEnvironmentVariable("GPTOSS_LIBTORCH"));

        // Tests run side by side on small models: more threads in each would only wait for one another.
        TorchSharp.torch.set_num_threads(1);
    }
}
