using System.Runtime.InteropServices;
using GptOss.Net.Model;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>
/// The reference: plain ATen operations, on any device. It computes one sequence after the other, so that no result can
/// depend on what else is in the batch.
/// </summary>
internal sealed class TorchExecutor(ModelConfig config, IReadOnlyList<TorchStage> stages, IReadOnlyList<TorchWeightLoader> tables)
    : IModelExecutor
{
    private readonly TorchRotaryEmbedding _rotary = new(config.Rope, config.HeadDim);
    private float[] _logits = [];

    public StepResult Execute(StepBatch batch)
    {
        using var noGrad = no_grad();
        var size = batch.LogitsRows.Length * config.VocabularySize;
        if (_logits.Length < size)
        {
            _logits = new float[size];
        }

        var done = 0;
        foreach (var slice in batch.Sequences)
        {
            using var scope = NewDisposeScope();
            var rows = WantedRows(batch, slice);
            var hidden = Forward(batch, slice);
            done += rows.Length == 0 ? 0 : CopyLogits(hidden, rows, _logits.AsSpan(done));
        }

        return new StepResult(_logits.AsMemory(0, size), config.VocabularySize);
    }

    public void Dispose()
    {
        foreach (var stage in stages)
        {
            stage.Dispose();
        }

        foreach (var table in tables)
        {
            table.Dispose();
        }
    }

    private Tensor Forward(StepBatch batch, SequenceSlice slice)
    {
        var tokenIds = batch.TokenIds.AsSpan(slice.TokenStart, slice.TokenCount);
        var hidden = stages.First(stage => stage.HoldsEmbedding).Embed(tokenIds); // [tokens, hidden]
        foreach (var stage in stages)
        {
            var sequence = new TorchSequenceView(batch, slice, config.SlidingWindow, _rotary, stage.Device);
            hidden = stage.Forward(hidden.to(stage.Device), sequence);
        }

        return hidden;
    }

    /// <summary>The wanted rows of one sequence, counted from its first token.</summary>
    private static long[] WantedRows(StepBatch batch, SequenceSlice slice) =>
        [.. batch.LogitsRows.Select(row => (long)row - slice.TokenStart).Where(row => row >= 0 && row < slice.TokenCount)];

    private int CopyLogits(Tensor hidden, long[] rows, Span<float> destination)
    {
        var stage = stages.First(candidate => candidate.HoldsUnembedding);
        var wanted = hidden.index_select(0, tensor(rows, device: hidden.device)).to(stage.Device);
        var logits = stage.Unembed(wanted).cpu().contiguous(); // [rows, vocabulary]
        var bytes = MemoryMarshal.Cast<byte, float>(logits.bytes);
        bytes.CopyTo(destination);
        return bytes.Length;
    }
}
