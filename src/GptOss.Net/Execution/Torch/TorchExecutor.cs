using System.Runtime.InteropServices;
using GptOss.Net.Model;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>
/// The reference: plain ATen operations, on any device. Weights and cache are held in bfloat16 or float32; what is computed
/// with them is float32, since a rounded hidden state can send a token to another expert. It computes one sequence after the other, so that no result can
/// depend on what else is in the batch.
/// </summary>
/// <param name="config">The architecture.</param>
/// <param name="embedding">The token embedding.</param>
/// <param name="stages">The layers, stage by stage.</param>
/// <param name="unembedding">The final norm and the output projection.</param>
/// <param name="tables">What the weights of each device share.</param>
internal sealed class TorchExecutor(
    ModelConfig config,
    TorchEmbedding embedding,
    IReadOnlyList<TorchStage> stages,
    TorchUnembedding unembedding,
    IEnumerable<IDisposable> tables) : IModelExecutor
{
    private readonly TorchRotaryEmbedding _rotary = new(config.Rope, config.HeadDim);
    private float[] _logits = [];
    private StepBatch? _batch;

    public int MaxStepsInFlight => 1;

    public void Begin(StepBatch batch)
    {
        if (_batch is not null)
        {
            throw new InvalidOperationException("A step is in flight; complete it first.");
        }

        _batch = batch;
    }

    public StepResult Complete()
    {
        var batch = _batch ?? throw new InvalidOperationException("No step is in flight.");
        _batch = null;
        return Execute(batch);
    }

    public bool CanContinue() => stages.Select(stage => stage.Device).Append(embedding.Device).Append(unembedding.Device).All(TorchProbe.Works);

    private StepResult Execute(StepBatch batch)
    {
        using var noGrad = no_grad();
        foreach (var stage in stages)
        {
            stage.Copy(batch.BlockCopies);
        }

        var size = checked(batch.LogitsRows.Length * config.VocabularySize);
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
            done += CopyLogits(hidden, rows, _logits.AsSpan(done));
        }

        return new StepResult(_logits.AsMemory(0, size), config.VocabularySize);
    }

    public void Dispose()
    {
        embedding.Dispose();
        unembedding.Dispose();
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
        var hidden = embedding.Forward(tokenIds); // [tokens, hidden]
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
        var copied = 0;
        foreach (var tile in rows.Chunk(TorchWorkspace.LogitsTile))
        {
            using var scope = NewDisposeScope();
            var wanted = hidden.index_select(0, tensor(tile, device: hidden.device)).to(unembedding.Device);
            var logits = MemoryMarshal.Cast<byte, float>(unembedding.Forward(wanted).cpu().contiguous().bytes);
            logits.CopyTo(destination[copied..]); // [rows, vocabulary]
            copied += logits.Length;
        }

        return copied;
    }
}
