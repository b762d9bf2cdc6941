using GptOss.Net.Execution.Cpu;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Torch;

namespace GptOss.Net.Execution;

/// <summary>The backends, the fastest first: the first that can run a model where it is placed does.</summary>
internal static class ExecutorBackends
{
    public static IReadOnlyList<IExecutorBackend> All { get; } = [new CudaBackend(), new CpuBackend(), new TorchBackend()];
}
