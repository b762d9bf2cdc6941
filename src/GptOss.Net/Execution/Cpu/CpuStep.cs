namespace GptOss.Net.Execution.Cpu;

/// <summary>What the threads of a step share.</summary>
internal sealed record CpuStep(CpuBatch Batch, CpuWorkspace Workspace, CpuThreadPool Pool)
{
    /// <summary>Gets how many threads compute.</summary>
    public int ThreadCount => Pool.ActiveCount;

    /// <summary>A thread's part of some items.</summary>
    public WorkShare Share(int items, int thread) => WorkShare.Of(items, thread, ThreadCount);

    /// <summary>Waits until every thread has finished the phase.</summary>
    public void EndPhase() => Pool.Barrier.Wait();
}
