namespace GptOss.Net.Interop;

/// <summary>One NVIDIA device as its driver describes it at one moment.</summary>
/// <param name="Index">The driver's number, as in "cuda:0"; CUDA_VISIBLE_DEVICES is taken into account by the driver.</param>
/// <param name="Name">The product's name.</param>
/// <param name="Uuid">Identifies the card whatever its number.</param>
/// <param name="ComputeCapability">9.0 for Hopper, say.</param>
/// <param name="TotalBytes">Memory of the card.</param>
/// <param name="FreeBytes">What of it no process holds now.</param>
internal sealed record CudaDevice(int Index, string Name, Guid Uuid, Version ComputeCapability, long TotalBytes, long FreeBytes);
