using System.Runtime.InteropServices;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Where kernels are launched: a stream of a device, or a graph that is being recorded on it.</summary>
/// <param name="Driver">The device.</param>
/// <param name="Handle">The stream.</param>
/// <param name="IsDependent">
/// Whether each kernel may start while the one before it ends. Every kernel of ours waits by itself before it reads what others wrote.
/// </param>
internal readonly record struct KernelStream(ICudaDriver Driver, nint Handle, bool IsDependent)
{
    /// <summary>Launches a kernel with its one parameter structure.</summary>
    /// <typeparam name="T">Blittable, field by field the kernel's structure in C.</typeparam>
    public void Launch<T>(nint function, (int X, int Y, int Z) grid, int threads, int sharedBytes, in T parameters)
        where T : unmanaged =>
        Driver.Launch(
            function,
            new CudaLaunch(grid.X, grid.Y, grid.Z, threads, sharedBytes, IsDependent),
            MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in parameters)),
            Handle);
}
