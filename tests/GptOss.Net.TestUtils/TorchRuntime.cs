using GptOss.Net.Interop;

namespace GptOss.Net.TestUtils;

/// <summary>
/// libtorch for the tests that use TorchSharp: the package's, or that of a PyTorch install which <c>GPTOSS_LIBTORCH</c> names.
/// </summary>
internal static class TorchRuntime
{
    private static readonly Lazy<bool> Loaded = new(Load);

    /// <summary>Loads it at the first call. Tests that do not call it run without.</summary>
    public static void EnsureLoaded() => _ = Loaded.Value;

    private static bool Load()
    {
        NativeLibraries.EnsureLoaded(Environment.GetEnvironmentVariable("GPTOSS_LIBTORCH"));

        // Tests run side by side on small models: more threads in each would only wait for one another.
        TorchSharp.torch.set_num_threads(1);
        return true;
    }
}
