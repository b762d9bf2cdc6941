using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Some layers of the model on one device, or its share of them: their launches, for any step.</summary>
/// <remarks>
/// A step's tokens go through a layer side by side: normalize, project to query, key and value, rotate and store, attend, project, and
/// the same for the experts. What is computed for a token does not depend on the others. Nothing here waits for the device. A card that
/// has a share computes some columns of attention's result, of the experts' inner values, and of what is added to the residual; whoever
/// runs the cards brings these together.
/// </remarks>
internal sealed class CudaStage(
    CudaShape shape,
    CudaShare share,
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
            Embed(stream, step, chosen);
        }

        for (var layer = 0; layer < weights.Layers.Count; layer++)
        {
            Attend(stream, step, layer);
            Project(stream, step, layer);
            RaiseExperts(stream, step, layer);
            LowerExperts(stream, step, layer);
        }

        if (completes && weights.Layers.Count > 0)
        {
            kernels.Activations.CombineNorm(
                stream, new(workspace.Residual, Normed: 0, workspace.Experts.Y, Gain: 0, Rows: 0, shape.TopK, ForExperts: 0), step.Tokens);
        }
    }

    /// <summary>From token ids to the residual.</summary>
    public void Embed(KernelStream stream, in StepShape step, nint chosen) => kernels.Activations.Embed(
        stream, new(workspace.Residual, weights.Embedding, inputs.Tokens, chosen, shape.Config.VocabularySize), step.Tokens);

    /// <summary>The logits of some of the step's rows.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="firstRow">The first of them.</param>
    /// <param name="rows">How many.</param>
    /// <param name="logits">float <c>[rows, vocabulary]</c>, from the card's first column on.</param>
    public void Unembed(KernelStream stream, int firstRow, int rows, nint logits)
    {
        var parts = weights.Layers.Count == 0 ? 0 : shape.TopK;
        kernels.Activations.CombineNorm(
            stream,
            new(
                workspace.Residual, workspace.Normed, workspace.Experts.Y, weights.FinalNorm, inputs.Rows + (firstRow * sizeof(int)),
                AddsParts(parts), 0),
            rows);
        kernels.Dense.Multiply(stream, DenseJob.Head, weights.Unembedding, logits, workspace.Normed, rows, shape.Vocabulary);
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

    /// <summary>From the residual to attention's result, of the card's heads.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="step">The step's sizes.</param>
    /// <param name="layer">Counted on this device.</param>
    /// <param name="isNormed">Whether the residual is normalized already.</param>
    /// <param name="merge">What merges the chunks of decoding sequences, if not the kernel for one card.</param>
    public void Attend(
        KernelStream stream, in StepShape step, int layer, bool isNormed = false, Action<AttentionKernels.DecodeParameters>? merge = null)
    {
        var attended = workspace.Attended + (share.Index * shape.QueryWidth * sizeof(ushort));
        var (own, sliding) = (weights.Layers[layer], kinds[layer] == AttentionKind.Sliding);
        var (keys, values) = (storage.Keys(layer), storage.Values(layer));
        if (!isNormed)
        {
            kernels.Activations.CombineNorm(
                stream,
                new(
                    workspace.Residual, workspace.Normed, workspace.Experts.Y, own.AttentionNorm, 0, layer == 0 ? 0 : AddsParts(shape.TopK),
                    0),
                step.Tokens);
        }

        kernels.Dense.Multiply(stream, DenseJob.Qkv, own.Qkv, workspace.Qkv, workspace.Normed, step.Tokens);
        kernels.Activations.RopeAndStore(
            stream, new(workspace.Qkv, keys, values, weights.Rotation, inputs.Positions, inputs.Slots(sliding)), step.Tokens);
        var (window, chunks) = step.Keys(shape, sliding);
        if (step.Decodes > 0)
        {
            var decode = new AttentionKernels.DecodeParameters(
                attended, workspace.Partial, workspace.Qkv, keys, values, inputs.Starts(sliding), inputs.Blocks,
                inputs.Lengths, 0, own.Sinks, chunks, window);
            if (merge is null)
            {
                kernels.Attention.Decode(stream, decode, step.Decodes, chunks);
            }
            else
            {
                kernels.Attention.DecodeChunks(stream, decode, step.Decodes, chunks);
                merge(decode);
            }
        }

        if (step.Tiles > 0)
        {
            kernels.Attention.Prefill(
                stream,
                new(
                    attended, workspace.Qkv, keys, values, inputs.Starts(sliding), inputs.Blocks, own.Sinks, inputs.Tiles, window),
                step.Tiles);
        }
    }

    /// <summary>From attention's whole result to what it adds to the residual: the card's columns, <c>[tokens, columns]</c>.</summary>
    public void Project(KernelStream stream, in StepShape step, int layer) => kernels.Dense.Multiply(
        stream, DenseJob.Output, weights.Layers[layer].Output, workspace.Projected, workspace.Attended, step.Tokens);

    /// <summary>From the residual to the experts' inner values, of the card's columns.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="step">The step's sizes.</param>
    /// <param name="layer">Counted on this device.</param>
    /// <param name="isNormed">Whether the residual is normalized already.</param>
    /// <param name="shift">Bytes from the inner values to where another card needs them as well; 0: nobody does.</param>
    public void RaiseExperts(KernelStream stream, in StepShape step, int layer, bool isNormed = false, nint shift = 0)
    {
        var own = weights.Layers[layer];
        if (!isNormed)
        {
            kernels.Activations.CombineNorm(
                stream, new(workspace.Residual, workspace.Normed, workspace.Projected, own.MlpNorm, 0, AddsParts(1), 1), step.Tokens);
        }

        kernels.Experts.Route(
            stream, own.GateUp.Format, new(own.Router, own.RouterBias), workspace.Experts, step.Tokens, inputs.Live);
        kernels.Experts.Up(stream, own.GateUp, workspace.Experts, step.Tokens, share.Intermediate(shape).First, shift);
    }

    /// <summary>From all inner values to what each expert adds to the residual: the card's columns.</summary>
    public void LowerExperts(KernelStream stream, in StepShape step, int layer) =>
        kernels.Experts.Down(stream, weights.Layers[layer].Down, workspace.Experts, step.Tokens);

    // A share's sums are added where they are brought together.
    private int AddsParts(int parts) => share.Count == 1 ? parts : 0;
}
