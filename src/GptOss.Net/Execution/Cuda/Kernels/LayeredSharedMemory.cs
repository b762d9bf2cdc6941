using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>
/// Bytes of shared memory that a block of <see cref="LayeredKernels"/> and <see cref="PairKernels"/> takes: a ring of slots for each warp,
/// into which weights stream, and what each of <c>b</c> sequences needs beside them.
/// </summary>
internal static class LayeredSharedMemory
{
    private const int SlotBytes = 3072;

    /// <summary>Of a product with normalized rows of the residual: query, key and value, and logits.</summary>
    public static int NormedBytes(CudaShape shape, int b, int warps, int slots) =>
        Rings(warps, slots) + (b * ((shape.Hidden * 4) + 64)) + 128;

    /// <summary>Of attention's output projection.</summary>
    public static int OutputBytes(CudaShape shape, int b, int warps, int slots) =>
        Rings(warps, slots) + (b * ((shape.AttendedWidth * 4) + 64));

    /// <summary>Of the choice of experts.</summary>
    public static int RouteBytes(CudaShape shape, int b, int warps, int slots) =>
        Rings(warps, slots) + (b * ((shape.Hidden * 2) + 16)) + 128 + (10 * b * shape.RouterRows * sizeof(float));

    /// <summary>Of gate_up.</summary>
    public static int UpBytes(CudaShape shape, int b, int warps, int slots) => Rings(warps, slots) + (b * ((shape.Hidden * 2) + 16));

    /// <summary>Of down, in which each expert of each sequence has a warp.</summary>
    public static int DownBytes(CudaShape shape, int b, int slots) =>
        b * shape.TopK * (Rings(1, slots) + (shape.Intermediate * 2) + 16 + (16 * sizeof(float)));

    /// <summary>The slots of a warp's ring: as many as are wanted, or as the device's shared memory holds.</summary>
    /// <param name="wanted">What was measured to be best.</param>
    /// <param name="warps">The rings of a block.</param>
    /// <param name="other">What the block takes without slots.</param>
    /// <param name="device">Where it runs.</param>
    public static int Slots(int wanted, int warps, int other, CudaProperties device) =>
        Math.Clamp((device.SharedBytesPerBlock - other - 1024) / Rings(warps, 1), 1, wanted);

    /// <summary>Blocks for so many pieces of a matrix, one for each warp.</summary>
    public static int Blocks(int pieces, int warps) => (pieces + warps - 1) / warps;

    private static int Rings(int warps, int slots) => warps * slots * SlotBytes;
}
