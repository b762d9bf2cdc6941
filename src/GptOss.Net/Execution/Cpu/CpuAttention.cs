using System.Runtime.Intrinsics;
using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cpu;

/// <summary>The attention half of a transformer block, from the residual stream to the residual stream; called by every thread.</summary>
internal sealed unsafe class CpuAttention(ModelConfig config, AttentionShape shape, CpuKVStorage storage)
{
    // Tokens of a key-value head that a thread takes at once.
    private const int TileTokens = 8;

    private readonly float _scale = 1 / MathF.Sqrt(config.HeadDim);

    public void Run(CpuStep step, CpuLayer layer, int index, int thread)
    {
        Normalize(step, layer, thread);
        step.EndPhase();
        Project(step, layer, thread);
        step.EndPhase();
        RotateAndCache(step, index, thread);
        step.EndPhase();
        Attend(step, layer, index, thread);
        step.EndPhase();
        var space = step.Workspace;
        CpuLinear.Add(
            layer.Output, step.Share(layer.Output.Groups, thread), space.AttentionOutput, step.Batch.TokenCount,
            space.Residual, space.HiddenStride, space.Sums[thread]);
        step.EndPhase();
    }

    private void Normalize(CpuStep step, CpuLayer layer, int thread)
    {
        var share = step.Share(step.Batch.TokenCount, thread);
        for (var token = share.Start; token < share.End; token++)
        {
            step.Normalize(config, layer.AttentionNorm, token, step.Workspace.AttentionInput, token);
        }
    }

    /// <summary>Queries, keys and values; a thread takes its part of the row groups of all three.</summary>
    private static void Project(CpuStep step, CpuLayer layer, int thread)
    {
        var space = step.Workspace;
        var share = step.Share(layer.Query.Groups + layer.Key.Groups + layer.Value.Groups, thread);
        var first = Part(layer.Query, 0, space.Queries, space.QueryStride);
        first = Part(layer.Key, first, space.Keys, space.KVStride);
        Part(layer.Value, first, space.Values, space.KVStride);

        int Part(CpuMatrix matrix, int firstGroup, float* result, int stride)
        {
            var start = Math.Clamp(share.Start - firstGroup, 0, matrix.Groups);
            var groups = new WorkShare(start, Math.Clamp(share.End - firstGroup, start, matrix.Groups));
            CpuLinear.Store(matrix, groups, space.AttentionInput, step.Batch.TokenCount, result, stride, space.Sums[thread]);
            return firstGroup + matrix.Groups;
        }
    }

    private void RotateAndCache(CpuStep step, int index, int thread)
    {
        var space = step.Workspace;
        var share = step.Share(step.Batch.TokenCount, thread);
        var half = config.HeadDim / 2;
        for (var token = share.Start; token < share.End; token++)
        {
            var cosines = space.Cosines + ((long)token * half);
            var sines = space.Sines + ((long)token * half);
            var queries = space.Queries + ((long)token * space.QueryStride);
            for (var head = 0; head < config.HeadCount; head++)
            {
                RopeKernel.Rotate(queries + (head * config.HeadDim), half, cosines, sines);
            }

            for (var i = 0; i < space.QueryStride; i += 16)
            {
                Vector512.Store(Vector512.Load(queries + i) * _scale, queries + i);
            }

            var slot = step.Batch.Slot(config.LayerKinds[index], token);
            for (var head = 0; head < config.KVHeadCount; head++)
            {
                var offset = ((long)token * space.KVStride) + (head * config.HeadDim);
                RopeKernel.Rotate(space.Keys + offset, half, cosines, sines);
                PagedAttentionKernel.Write(
                    storage.Keys(index), storage.Values(index), shape, slot, head, space.Keys + offset, space.Values + offset);
            }
        }
    }

    /// <summary>Tiles of tokens by key-value heads, dealt to the threads in turn: later tokens see more and cost more.</summary>
    private void Attend(CpuStep step, CpuLayer layer, int index, int thread)
    {
        var tiles = (step.Batch.TokenCount + TileTokens - 1) / TileTokens;
        for (var item = thread; item < tiles * config.KVHeadCount; item += step.ThreadCount)
        {
            var first = item % tiles * TileTokens;
            var end = Math.Min(first + TileTokens, step.Batch.TokenCount);
            for (var token = first; token < end; token++)
            {
                Attend(step, layer, index, token, item / tiles, step.Workspace.AttentionHeads[thread]);
            }
        }
    }

    private void Attend(CpuStep step, CpuLayer layer, int index, int token, int kvHead, float* heads)
    {
        var (batch, space, kind) = (step.Batch, step.Workspace, config.LayerKinds[index]);
        var size = shape.GroupSize * config.HeadDim;
        fixed (int* blocks = batch.Table(kind, token, out var firstBlock))
        {
            PagedAttentionKernel.Attend(
                storage.Keys(index), storage.Values(index), shape, blocks, firstBlock,
                batch.FirstPosition(kind, token), batch.Step.Positions.Span[token], kvHead,
                space.Queries + ((long)token * space.QueryStride) + (kvHead * size),
                layer.Sinks.Values + (kvHead * shape.GroupSize), heads);
        }

        var output = space.AttentionOutput;
        for (var i = 0; i < size; i += RowGroup.BlockColumns)
        {
            ActivationRow.EncodeBlock(
                output.Format, Vector512.Load(heads + i), Vector512.Load(heads + i + 16), output.Rows[token],
                ((kvHead * size) + i) / RowGroup.BlockColumns);
        }
    }
}
