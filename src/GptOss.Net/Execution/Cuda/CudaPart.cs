using GptOss.Net.KVCache;

namespace GptOss.Net.Execution.Cuda;

/// <summary>What one card has of the model: its layers, their cache, and the ends of the model that lie there.</summary>
internal sealed class CudaPart : ICudaPart
{
    private readonly CudaWorkspace _workspace;
    private readonly CudaStage _stage;
    private readonly LayeredStage _layered;
    private readonly StepGraphs _graphs;
    private readonly nint[] _done;

    /// <param name="card">The card, with what steps need.</param>
    /// <param name="part">Which part of the model.</param>
    /// <param name="shape">The widths.</param>
    /// <param name="weights">Those of the part.</param>
    /// <param name="capacity">Blocks of the cache in a layer of each kind.</param>
    /// <param name="stepsInFlight">How many steps are begun before the first is completed.</param>
    public CudaPart(CudaCard card, ModelPart part, CudaShape shape, CudaWeights weights, KVCacheCapacity capacity, int stepsInFlight)
    {
        (Card, Part, _workspace) = (card, part, card.Workspace);
        var kinds = shape.Config.LayerKinds.Skip(part.FirstLayer).Take(part.LayerCount).ToArray();
        var storage = new CudaKVStorage(card.Memory, shape, kinds, capacity);
        _stage = new CudaStage(shape, CudaShare.Whole, card.Kernels, weights, storage, card.Workspace, card.Inputs, kinds);
        _layered = new LayeredStage(shape, card.Kernels, weights, storage, card.Workspace, card.Inputs, kinds);
        _graphs = new StepGraphs(card.Driver);
        _done = [.. Enumerable.Range(0, stepsInFlight).Select(_ => card.Driver.CreateEvent())];
    }

    public CudaCard Card { get; }

    public ModelPart Part { get; }

    public StepShape Send(StepBatch batch, int slot) => Card.Inputs.Send(batch, slot, Card.Stream);

    public void Copy(IReadOnlyList<BlockCopy> copies) => _stage.Copy(Card.Launches, copies);

    public void Forward(StepShape step, bool isLayered, int slot, nint chosen)
    {
        if (isLayered)
        {
            var logits = Part.Unembeds ? _workspace.Logits[slot] : 0;
            var place = Part.Unembeds ? slot : StepGraphs.AnySlot;
            _graphs.Launch(Card.Launches, step.Tokens, step.Chunks, place, recording => _layered.Forward(recording, step, chosen, logits));
        }
        else if (!step.IsDecode || step.Tokens > StepBuckets.Largest)
        {
            _stage.Forward(Card.Launches, step, chosen, completes: !Part.Unembeds);
        }
        else
        {
            _graphs.Launch(
                Card.Launches, step.Tokens, step.Chunks, StepGraphs.Batched,
                recording => _stage.Forward(recording, step, chosen, completes: !Part.Unembeds));
        }
    }

    public void Unembed(int firstRow, int rows, int slot) => _stage.Unembed(Card.Launches, firstRow, rows, _workspace.Logits[slot]);

    public void Sampled(nint chosen, int rows)
    {
        // Where they are needed they come with the link.
    }

    public void End(int slot) => Card.Driver.RecordEvent(_done[slot], Card.Stream);

    public void Wait(int slot, int tokens, TimeSpan limit) => Card.Wait(_done[slot], tokens, limit);

    public void Dispose()
    {
        _graphs.Dispose();
        Array.ForEach(_done, Card.Driver.DestroyEvent);
    }
}
