using GptOss.Net.Interop;

namespace GptOss.Net.Gpu.Tests;

/// <summary>The GPUs of this machine, or why tests that need them are skipped.</summary>
internal static class Gpu
{
    private static readonly DeviceInventory Inventory = DeviceInventory.Take();

    /// <summary>Loads libtorch; skips the test that calls it unless this machine has so many GPUs.</summary>
    public static void Require(int count)
    {
        RequireDevices(count);
        TorchRuntime.EnsureLoaded();
        Assert.SkipUnless(
            TorchSharp.torch.cuda.is_available(), "libtorch was built without CUDA: use -p:TorchBackend=cuda or GPTOSS_LIBTORCH.");
    }

    /// <summary>Skips the test that calls it unless this machine has so many GPUs; libtorch is not needed.</summary>
    public static void RequireDevices(int count)
    {
        var devices = Inventory.CudaDevices;
        Assert.SkipWhen(
            devices.Count < count,
            $"Needs {count} CUDA device(s); this machine has {devices.Count}. {string.Join(' ', Inventory.Problems)}");
    }

    /// <summary>The bytes that are free on a device now.</summary>
    public static long FreeBytes(int index) => DeviceInventory.Take().CudaDevices[index].FreeBytes;
}
