using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Some layers of the model on one device: their launches, for any step.</summary>
/// <remarks>
/// A step's tokens go through a layer side by side: normalize, project to query, key and value, rotate and store, attend, project, and
/// the same for the experts. What is computed for a token does not depend on the others. Nothing here waits for the device.
/// </remarks>
internal sealed class CudaStage(
    CudaShape shape,
    CudaKernels kernels,
    CudaWeights weights,
    CudaKVStorage storage,
    CudaWorkspace workspace,
    StepInputs inputs,
    IReadOnlyList<AttentionKind> kinds)
{
    /// <summary>From token ids, or the residual of the part before, to the residual behind the last layer.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="step">The step's sizes.</param>
    /// <param name="chosen">What the step before has sampled, int <c>[rows]</c>.</param>
    /// <param name="completes">Whether what the last layer's experts add is added, or left to <see cref="Unembed"/>.</param>
    public void Forward(KernelStream stream, in StepShape step, nint chosen, bool completes)
    {
        if (weights.Embedding != 0)
        {
            kernels.Activations.Embed(
                stream,
                new(workspace.Residual, weights.Embedding, inputs.Tokens, chosen, shape.Config.VocabularySize),
                step.Tokens);
        }

        for (var layer = 0; layer < weights.Layers.Count; layer++)
        {
            Attend(stream, step, layer);
            RunExperts(stream, step, weights.Layers[layer]);
        }

        if (completes && weights.Layers.Count > 0)
        {
            kernels.Activations.CombineNorm(
                stream, new(workspace.Residual, Normed: 0, workspace.Experts.Y, Gain: 0, Rows: 0, shape.TopK, ForExperts: 0), step.Tokens);
        }
    }

    /// <summary>The logits of some of the step's rows.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="firstRow">The first of them.</param>
    /// <param name="rows">How many.</param>
    /// <param name="logits">float <c>[rows, vocabulary]</c>.</param>
    public void Unembed(KernelStream stream, int firstRow, int rows, nint logits)
    {
        var parts = weights.Layers.Count == 0 ? 0 : shape.TopK;
        kernels.Activations.CombineNorm(
            stream,
            new(workspace.Residual, workspace.Normed, workspace.Experts.Y, weights.FinalNorm, inputs.Rows + (firstRow * sizeof(int)), parts, 0),
            rows);
        kernels.Dense.Multiply(stream, DenseJob.Head, weights.Unembedding, logits, workspace.Normed, rows);
    }

    /// <summary>Copies blocks of the cache, in this order, in every layer of their kind.</summary>
    public void Copy(KernelStream stream, IReadOnlyList<BlockCopy> copies)
    {
        foreach (var copy in copies)
        {
            for (var layer = 0; layer < kinds.Count; layer++)
            {
                if (kinds[layer] == copy.Kind)
                {
                    storage.Copy(stream, layer, copy);
                }
            }
        }
    }

    private void Attend(KernelStream stream, in StepShape step, int layer)
    {
        var (own, sliding) = (weights.Layers[layer], kinds[layer] == AttentionKind.Sliding);
        var (keys, values) = (storage.Keys(layer), storage.Values(layer));
        kernels.Activations.CombineNorm(
            stream,
            new(workspace.Residual, workspace.Normed, workspace.Experts.Y, own.AttentionNorm, 0, layer == 0 ? 0 : shape.TopK, 0),
            step.Tokens);
        kernels.Dense.Multiply(stream, DenseJob.Qkv, own.Qkv, workspace.Qkv, workspace.Normed, step.Tokens);
        kernels.Activations.RopeAndStore(
            stream, new(workspace.Qkv, keys, values, weights.Rotation, inputs.Positions, inputs.Slots(sliding)), step.Tokens);
        var window = sliding ? shape.Config.SlidingWindow : AttentionKernels.NoWindow;
        if (step.Decodes > 0)
        {
            var chunks = sliding ? Math.Min(step.Chunks, AttentionKernels.Chunks(shape.Config.MaxPositions, window)) : step.Chunks;
            kernels.Attention.Decode(
                stream,
                new(
                    workspace.Attended, workspace.Partial, workspace.Qkv, keys, values, inputs.Starts(sliding), inputs.Blocks,
                    inputs.Lengths, 0, own.Sinks, chunks, window),
                step.Decodes,
                chunks);
        }

        if (step.Tiles > 0)
        {
            kernels.Attention.Prefill(
                stream,
                new(
                    workspace.Attended, workspace.Qkv, keys, values, inputs.Starts(sliding), inputs.Blocks, own.Sinks, inputs.Tiles, window),
                step.Tiles);
        }

        kernels.Dense.Multiply(stream, DenseJob.Output, own.Output, workspace.Projected, workspace.Attended, step.Tokens);
    }

    private void RunExperts(KernelStream stream, in StepShape step, CudaLayer own)
    {
        kernels.Activations.CombineNorm(
            stream, new(workspace.Residual, workspace.Normed, workspace.Projected, own.MlpNorm, 0, 1, 1), step.Tokens);
        kernels.Experts.Route(
            stream, own.GateUp.Format, new(own.Router, own.RouterBias), workspace.Experts, step.Tokens, inputs.Live);
        kernels.Experts.Run(stream, own.GateUp, own.Down, workspace.Experts, step.Tokens);
    }
}
