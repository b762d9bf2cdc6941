namespace GptOss.Net.Tests;

/// <summary>Tests that count the process's tensors: they run when no other test does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class TensorCounts
{
    static TensorCounts() => TorchRuntime.EnsureLoaded();

    public const string Name = "Tensor counts";

    /// <summary>How many tensors are alive, on any thread; those that await their finalizer do not count.</summary>
    internal static long Take()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return TorchSharp.torch.Tensor.TotalCount;
    }
}
