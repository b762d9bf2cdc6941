namespace GptOss.Net.Interop.Cuda;

/// <summary>What kernels have to know of the device that they run on.</summary>
/// <param name="Device">Which device.</param>
/// <param name="ComputeCapability">9.0 for Hopper, say.</param>
/// <param name="Multiprocessors">How many blocks can be at work at once, at least.</param>
/// <param name="SharedBytesPerBlock">The most shared memory that a block can ask for.</param>
/// <param name="SharedBytesPerMultiprocessor">The shared memory that the blocks of a multiprocessor have together.</param>
internal sealed record CudaProperties(
    DeviceId Device, Version ComputeCapability, int Multiprocessors, int SharedBytesPerBlock, int SharedBytesPerMultiprocessor)
{
    /// <summary>Gets whether the device has Hopper's own instructions (<c>wgmma</c>), which no later generation has either.</summary>
    public bool IsHopper => ComputeCapability is { Major: 9, Minor: 0 };

    /// <summary>Gets whether a kernel may start while the one before it ends (programmatic dependent launch).</summary>
    public bool HasDependentLaunch => ComputeCapability.Major >= 9;

    /// <summary>Gets the compiler's name of the device's machine code.</summary>
    public string Architecture => $"sm_{ComputeCapability.Major}{ComputeCapability.Minor}{(IsHopper ? "a" : "")}";
}
