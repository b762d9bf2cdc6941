using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cuda;

/// <summary>
/// A card's share of the whole model for a step in which one or two sequences decode: <see cref="LayeredStage"/> on two cards.
/// </summary>
internal sealed class PairStage(
    CudaShape shape,
    CudaShare share,
    CudaKernels kernels,
    CudaWeights weights,
    CudaKVStorage storage,
    CudaWorkspace workspace,
    StepInputs inputs,
    IReadOnlyList<AttentionKind> kinds,
    WordArena words,
    nint arena,
    Wire wire)
{
    private readonly nint _firstHidden = share.Hidden(shape).First * sizeof(ulong);
    private readonly nint _firstInner = share.Intermediate(shape).First / 2 * sizeof(ulong);
    private readonly nint _firstAttended = share.Index * shape.QueryWidth / 2 * sizeof(ulong);

    /// <summary>From token ids to the card's logits, in their columns of float <c>[sequences, stride]</c>.</summary>
    public void Forward(KernelStream stream, in StepShape step, nint chosen, nint logits, int stride)
    {
        for (var layer = 0; layer < weights.Layers.Count; layer++)
        {
            Attend(stream, step, layer, chosen);
            RunExperts(stream, step.Tokens, layer);
        }

        var head = weights.Unembedding;
        kernels.Pair.Head(stream, step.Tokens, new(
            logits,
            arena + words.Hidden(weights.Layers.Count),
            weights.FinalNorm,
            head.Strips,
            head.Scales,
            wire,
            head.Rows,
            stride));
    }

    private void Attend(KernelStream stream, in StepShape step, int layer, nint chosen)
    {
        var (own, sliding, sequences) = (weights.Layers[layer], kinds[layer] == AttentionKind.Sliding, step.Tokens);
        kernels.Pair.Qkv(stream, sequences, new(
            workspace.Qkv,
            arena + words.Hidden(layer),
            layer == 0 ? weights.Embedding : 0,
            inputs.Tokens,
            chosen,
            own.Qkv.Strips,
            own.Qkv.Scales,
            own.Qkv.Bias,
            own.AttentionNorm,
            wire,
            shape.Config.VocabularySize));
        var (window, chunks) = step.Keys(shape, sliding);
        kernels.Layered.Attention(
            stream,
            new(
                arena + words.Attended(layer) + _firstAttended,
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
                sequences,
                wire),
            chunks);
        kernels.Pair.Output(stream, sequences, new(
            arena + words.Mid(layer) + _firstHidden,
            arena + words.Hidden(layer) + _firstHidden,
            arena + words.Attended(layer),
            own.Output.Strips,
            own.Output.Scales,
            own.Output.Bias,
            wire,
            own.Output.Rows));
    }

    private void RunExperts(KernelStream stream, int sequences, int layer)
    {
        var own = weights.Layers[layer];
        var (x, routing, inner, mid) =
            (arena + words.X(layer), arena + words.Routing(layer), arena + words.Inner(layer), arena + words.Mid(layer));
        kernels.Pair.Route(stream, sequences, new(x, routing, mid, own.MlpNorm, own.Router, own.RouterBias, wire));
        kernels.Pair.Up(stream, sequences, new(
            inner + _firstInner, 0, 0, x, routing, own.GateUp.Tiles, own.GateUp.Bias, wire, own.GateUp.Rows));
        kernels.Pair.Down(stream, sequences, new(
            inner, arena + words.Hidden(layer + 1) + _firstHidden, mid + _firstHidden, 0, routing, own.Down.Tiles, own.Down.Bias, wire,
            own.Down.Rows));
    }
}
