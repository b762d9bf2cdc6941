using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cuda;

/// <summary>
/// Some layers of the model, and its ends that lie there, for a step in which one or two sequences decode: kernels that read each weight
/// once and as fast as memory gives it, with the bits of <see cref="CudaStage"/>.
/// </summary>
internal sealed class LayeredStage(
    CudaShape shape,
    CudaKernels kernels,
    CudaWeights weights,
    CudaKVStorage storage,
    CudaWorkspace workspace,
    StepInputs inputs,
    IReadOnlyList<AttentionKind> kinds)
{
    private readonly LayeredKernels _kernels = kernels.Layered;

    /// <summary>Whether a step is one of these: each of one or two sequences gets one token and wants one row.</summary>
    public static bool Serves(StepBatch batch, in StepShape step)
    {
        if (!step.IsDecode || step.Tokens > LayeredKernels.MaxSequences || batch.RowCount != step.Tokens)
        {
            return false;
        }

        var rows = batch.LogitsRows.Span;
        return rows[0] == 0 && rows[^1] == rows.Length - 1;
    }

    /// <summary>
    /// From token ids, or the residual of the part before, to the residual, or to logits, float <c>[sequences, vocabulary]</c>.
    /// </summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="step">The step's sizes.</param>
    /// <param name="chosen">What the step before has sampled, int <c>[rows]</c>.</param>
    /// <param name="logits">Where the logits go; 0 where the model does not end.</param>
    public void Forward(KernelStream stream, in StepShape step, nint chosen, nint logits)
    {
        if (weights.Layers.Count == 0 && weights.Embedding != 0)
        {
            kernels.Activations.Embed(
                stream, new(workspace.Residual, weights.Embedding, inputs.Tokens, chosen, shape.Config.VocabularySize), step.Tokens);
        }

        for (var layer = 0; layer < weights.Layers.Count; layer++)
        {
            Attend(stream, step, layer, chosen);
            RunExperts(stream, step.Tokens, weights.Layers[layer]);
        }

        if (logits != 0)
        {
            var head = weights.Unembedding;
            _kernels.Head(stream, step.Tokens, new(logits, workspace.Residual, weights.FinalNorm, head.Strips, head.Scales));
        }
    }

    private void Attend(KernelStream stream, in StepShape step, int layer, nint chosen)
    {
        var (own, sliding, sequences) = (weights.Layers[layer], kinds[layer] == AttentionKind.Sliding, step.Tokens);
        _kernels.Qkv(stream, sequences, new(
            workspace.Qkv,
            workspace.Residual,
            layer == 0 ? weights.Embedding : 0,
            inputs.Tokens,
            chosen,
            own.Qkv.Strips,
            own.Qkv.Scales,
            own.Qkv.Bias,
            own.AttentionNorm,
            shape.Config.VocabularySize));
        var (window, chunks) = step.Keys(shape, sliding);
        _kernels.Attention(
            stream,
            new(
                workspace.Layered.Attended,
                workspace.Partial,
                workspace.Layered.Counters,
                workspace.Qkv,
                storage.Keys(layer),
                storage.Values(layer),
                inputs.Starts(sliding),
                inputs.Blocks,
                inputs.Lengths,
                weights.Rotation,
                own.Sinks,
                chunks,
                window,
                sequences),
            chunks);
        _kernels.Output(
            stream, sequences, new(workspace.Residual, workspace.Layered.Attended, own.Output.Strips, own.Output.Scales, own.Output.Bias));
    }

    private void RunExperts(KernelStream stream, int sequences, CudaLayer own)
    {
        var (x, h, routing) = (workspace.Normed, workspace.Experts.H, workspace.Layered.Routing);
        _kernels.Route(stream, sequences, new(x, routing, workspace.Residual, own.MlpNorm, own.Router, own.RouterBias));
        _kernels.Up(stream, sequences, new(h, workspace.Residual, x, routing, own.GateUp.Tiles, own.GateUp.Bias));
        _kernels.Down(stream, sequences, new(h, workspace.Residual, x, routing, own.Down.Tiles, own.Down.Bias));
    }
}
