using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Decode steps that were recorded: one launch instead of hundreds. Recorded when first needed.</summary>
internal sealed class StepGraphs(ICudaDriver driver) : IDisposable
{
    /// <summary>Says that a step of the layered kernels is the same in every slot.</summary>
    public const int AnySlot = -1;

    /// <summary>Says that it is one of the batched kernels.</summary>
    public const int Batched = -2;

    private readonly Dictionary<(int Sequences, int Chunks, int Slot), nint> _graphs = [];

    /// <summary>Launches the step for so many sequences and chunks of keys, recording it first if it is new.</summary>
    /// <param name="stream">Where to launch; kernels of a graph may start while the one before them ends.</param>
    /// <param name="sequences">Padded.</param>
    /// <param name="chunks">Padded.</param>
    /// <param name="slot">
    /// Which of the steps in flight, where that makes a difference; else <see cref="AnySlot"/> or <see cref="Batched"/>.
    /// </param>
    /// <param name="record">Gives the stream the step's launches.</param>
    public void Launch(KernelStream stream, int sequences, int chunks, int slot, Action<KernelStream> record) =>
        driver.LaunchGraph(Find(stream, sequences, chunks, slot, record), stream.Handle);

    /// <summary>The graph of <see cref="Launch"/>, recorded first if it is new.</summary>
    public nint Find(KernelStream stream, int sequences, int chunks, int slot, Action<KernelStream> record)
    {
        if (!_graphs.TryGetValue((sequences, chunks, slot), out var graph))
        {
            driver.BeginCapture(stream.Handle);
            try
            {
                record(stream with { IsDependent = true });
            }
            finally
            {
                graph = driver.EndCapture(stream.Handle);
            }

            _graphs.Add((sequences, chunks, slot), graph);
        }

        return graph;
    }

    public void Dispose()
    {
        foreach (var graph in _graphs.Values)
        {
            driver.DestroyGraph(graph);
        }

        _graphs.Clear();
    }
}
