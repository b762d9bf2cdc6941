using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda.Compilation;

/// <summary>Compiles for one device with NVRTC.</summary>
internal sealed class NvrtcCompiler(Nvrtc nvrtc, CudaProperties device) : IKernelCompiler
{
    private readonly string[] _options = [$"--gpu-architecture={device.Architecture}", "--std=c++17"];

    public string Identity => $"NVRTC {nvrtc.Version} {string.Join(' ', _options)}";

    public byte[] Compile(KernelSource source) => nvrtc.Compile(source.Name, source.Text, _options, device.Device);
}
