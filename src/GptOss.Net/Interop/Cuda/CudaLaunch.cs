namespace GptOss.Net.Interop.Cuda;

/// <summary>The shape of a kernel launch.</summary>
/// <param name="GridX">Blocks along x.</param>
/// <param name="GridY">Blocks along y.</param>
/// <param name="GridZ">Blocks along z.</param>
/// <param name="Threads">Threads of a block, along x.</param>
/// <param name="SharedBytes">Dynamic shared memory of a block.</param>
/// <param name="IsDependent">
/// Whether the kernel may start while the one before it ends (programmatic dependent launch); it then waits by itself.
/// </param>
internal readonly record struct CudaLaunch(int GridX, int GridY, int GridZ, int Threads, int SharedBytes, bool IsDependent);
