using System.Runtime.InteropServices;
using TorchSharp;

namespace GptOss.Net.Interop;

/// <summary>Raw addresses of tensors, for kernels of our own.</summary>
internal static partial class LibTorchPointers
{
    /// <summary>The address of a tensor's first element, its offset included, on the tensor's device; any element type.</summary>
    /// <remarks>Valid while the tensor, or another one on the same storage, is alive: the caller sees to that.</remarks>
    internal static nint DataPointer(this torch.Tensor tensor)
    {
        var pointer = THSTensor_data(tensor.Handle);
        GC.KeepAlive(tensor);
        return pointer;
    }

    [LibraryImport("LibTorchSharp")]
    private static partial nint THSTensor_data(nint tensor);
}
