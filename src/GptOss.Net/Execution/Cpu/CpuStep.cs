using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cpu;

/// <summary>What the threads of a step share.</summary>
internal sealed record CpuStep(CpuBatch Batch, CpuWorkspace Workspace, CpuThreadPool Pool)
{
    /// <summary>Gets how many threads compute.</summary>
    public int ThreadCount => Pool.ActiveCount;

    /// <summary>A thread's part of some items.</summary>
    public WorkShare Share(int items, int thread) => WorkShare.Of(items, thread, ThreadCount);

    /// <summary>Normalizes a token's residual, and encodes it as a row of what a matrix reads.</summary>
    public unsafe void Normalize(ModelConfig config, CpuVector norm, int token, ActivationBuffer input, int row)
    {
        var offset = (long)token * Workspace.HiddenStride;
        var normalized = Workspace.Normalized + offset;
        RmsNormKernel.Normalize(
            Workspace.Residual + offset, norm.Values, config.HiddenSize, (float)config.RmsNormEpsilon, normalized);
        input.Encode(row, normalized);
    }

    /// <summary>Waits until every thread has finished the phase.</summary>
    public void EndPhase() => Pool.Barrier.Wait();
}
