using GptOss.Net.KVCache;
using GptOss.Net.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>
/// Grouped-query attention with sinks over the paged cache (openai/gpt-oss, torch/model.py: AttentionBlock, sdpa).
/// </summary>
internal sealed class TorchAttention(
    ModelConfig config,
    AttentionKind kind,
    TorchLinear query,
    TorchLinear key,
    TorchLinear value,
    TorchLinear output,
    Tensor sinks, // float32 [heads]
    TorchKVStorage storage) : IDisposable
{
    private readonly Scalar _scale = 1 / Math.Sqrt(config.HeadDim);

    /// <summary><paramref name="x"/>: float32 <c>[tokens, hidden]</c>; the result likewise.</summary>
    public Tensor Forward(Tensor x, TorchSequenceView sequence)
    {
        var tokens = x.shape[0];
        var (cos, sin) = (sequence.Cos, sequence.Sin);
        var queries = TorchRotaryEmbedding.Apply(query.Forward(x).view(tokens, config.HeadCount, config.HeadDim), cos, sin);
        var keys = TorchRotaryEmbedding.Apply(key.Forward(x).view(tokens, config.KVHeadCount, config.HeadDim), cos, sin);
        var values = value.Forward(x).view(tokens, config.KVHeadCount, config.HeadDim);

        var slots = sequence.Slots(kind);
        storage.Write(slots.Written, keys, values);
        var attended = Attend(queries, slots, sequence.FirstPosition);
        return output.Forward(attended);
    }

    /// <summary>Copies a block of the cache, if it is one of this layer's kind.</summary>
    public void Copy(BlockCopy copy)
    {
        if (copy.Kind == kind)
        {
            storage.Copy(copy.Source, copy.Destination);
        }
    }

    public void Dispose()
    {
        query.Dispose();
        key.Dispose();
        value.Dispose();
        output.Dispose();
        sinks.Dispose();
        storage.Dispose();
        _scale.Dispose();
    }

    private Tensor Attend(Tensor queries, TorchSlots slots, int firstPosition)
    {
        var (keys, values) = storage.Gather(slots.Context);
        keys = keys.permute(1, 2, 0); // [kvHeads, headDim, context]
        values = values.permute(1, 0, 2); // [kvHeads, context, headDim]

        var tokens = queries.shape[0];

        // A long prompt's scores are computed for some queries at a time, so that they take a bounded workspace.
        var tile = Math.Max(1, TorchWorkspace.MaxScores / (config.HeadCount * keys.shape[2]));
        var results = new List<Tensor>();
        for (long start = 0; start < tokens; start += tile)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(tile, tokens - start);
            var mask = slots.Mask(firstPosition + start, count, kind == AttentionKind.Sliding ? config.SlidingWindow : null);
            results.Add(AttendTile(queries.narrow(0, start, count), keys, values, mask).MoveToOuterDisposeScope());
        }

        return results.Count == 1 ? results[0] : cat(results, 0);
    }

    /// <summary><paramref name="mask"/>: float32 <c>[tokens, context]</c>, 0 or −∞.</summary>
    private Tensor AttendTile(Tensor queries, Tensor keys, Tensor values, Tensor mask)
    {
        var (tokens, kvHeads, groups) = (queries.shape[0], (long)config.KVHeadCount, (long)(config.HeadCount / config.KVHeadCount));
        var grouped = queries.view(tokens, kvHeads, groups, config.HeadDim).permute(1, 2, 0, 3)
            .reshape(kvHeads, groups * tokens, config.HeadDim);
        var scores = matmul(grouped, keys).mul_(_scale)
            .view(kvHeads, groups, tokens, -1).PlusInPlace(mask); // [kvHeads, groups, tokens, context]

        // The sink takes part in the softmax and contributes no value.
        var sink = sinks.view(kvHeads, groups, 1, 1).expand(kvHeads, groups, tokens, 1);
        var weights = cat([scores, sink], -1).softmax(-1).narrow(-1, 0, scores.shape[3]);
        return matmul(weights.view(kvHeads, groups * tokens, -1), values)
            .view(kvHeads, groups, tokens, config.HeadDim).permute(2, 0, 1, 3)
            .reshape(tokens, config.QuerySize);
    }
}
