using System.Runtime.InteropServices;
using GptOss.Net.Model;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>
/// The reference: plain ATen operations, on any device. Weights and cache are held in bfloat16 or float32; what is computed
/// with them is float32, since a rounded hidden state can send a token to another expert. It computes one sequence after the other,
/// so that no result can depend on what else is in the batch.
/// </summary>
/// <remarks>
/// While several steps are in flight, each stage has a thread, which alone uses the stage's tensors; a single one is computed by the
/// engine's thread. The first stage embeds the tokens too, the last one computes the logits. Hidden states go from stage to stage
/// outside of any dispose scope.
/// </remarks>
internal sealed class TorchExecutor : IModelExecutor
{
    private readonly ModelConfig _config;
    private readonly TorchEmbedding _embedding;
    private readonly IReadOnlyList<TorchStage> _stages;
    private readonly TorchUnembedding _unembedding;
    private readonly IEnumerable<IDisposable> _tables;
    private readonly TorchRotaryEmbedding _rotary;
    private readonly StagePipeline<TorchStep> _pipeline;

    // The logits of every step that can be in flight, and of the one before them, which is still being read. Used in turn, by the
    // last stage.
    private readonly float[][] _logits;
    private int _nextLogits;

    /// <param name="config">The architecture.</param>
    /// <param name="embedding">The token embedding.</param>
    /// <param name="stages">The layers, stage by stage.</param>
    /// <param name="unembedding">The final norm and the output projection.</param>
    /// <param name="tables">What the weights of each device share.</param>
    public TorchExecutor(
        ModelConfig config,
        TorchEmbedding embedding,
        IReadOnlyList<TorchStage> stages,
        TorchUnembedding unembedding,
        IEnumerable<IDisposable> tables)
    {
        (_config, _embedding, _stages, _unembedding, _tables) = (config, embedding, stages, unembedding, tables);
        _rotary = new TorchRotaryEmbedding(config.Rope, config.HeadDim);
        _logits = [.. Enumerable.Repeat(Array.Empty<float>(), stages.Count + 1)];
        _pipeline = new StagePipeline<TorchStep>([.. stages.Select<TorchStage, Action<TorchStep>>((_, i) => step => Run(i, step))]);
    }

    public int MaxStepsInFlight => _pipeline.Capacity;

    public void Begin(StepBatch batch) => _pipeline.Begin(new TorchStep(batch));

    public StepResult Complete()
    {
        var step = _pipeline.Complete();
        step.ThrowIfFailed();
        return step.Result;
    }

    public bool CanContinue() =>
        _stages.Select(stage => stage.Device).Append(_embedding.Device).Append(_unembedding.Device).All(TorchProbe.Works);

    public void Dispose()
    {
        _pipeline.Dispose();
        _embedding.Dispose();
        _unembedding.Dispose();
        foreach (var stage in _stages)
        {
            stage.Dispose();
        }

        foreach (var table in _tables)
        {
            table.Dispose();
        }
    }

    /// <summary>What a stage does with a step.</summary>
    private void Run(int stage, TorchStep step)
    {
        try
        {
            using var noGrad = no_grad();

            // Also those of a step that failed in an earlier stage: the steps behind it may read the copies.
            _stages[stage].Copy(step.Batch.BlockCopies);
            if (!step.HasFailed)
            {
                Compute(stage, step);
            }
        }
#pragma warning disable CA1031 // Thrown where the step is completed.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            step.Fail(exception);
        }
    }

    private void Compute(int stage, TorchStep step)
    {
        var isLast = stage == _stages.Count - 1;
        if (isLast)
        {
            step.Result = new StepResult(NextLogits(step.Batch.RowCount), _config.VocabularySize);
        }

        var done = 0;
        for (var i = 0; i < step.Batch.SequenceCount; i++)
        {
            using var scope = NewDisposeScope();
            var hidden = stage == 0 ? Embed(step.Batch, i) : step.Take(i, scope); // [tokens, hidden]
            var sequence = new TorchSequenceView(step.Batch, i, _config.SlidingWindow, _rotary, _stages[stage].Device);
            hidden = _stages[stage].Forward(hidden, sequence);
            if (isLast)
            {
                done += CopyLogits(hidden, WantedRows(step.Batch, i), step.Result.Logits.Span[done..]);
            }
            else
            {
                step.Leave(i, hidden.to(_stages[stage + 1].Device));
            }
        }
    }

    private Tensor Embed(StepBatch batch, int sequence) =>
        _embedding.Forward(batch.TokenIds.Span[batch.Tokens(sequence)]).to(_stages[0].Device);

    /// <summary>
    /// Room for the logits of a step, which stays as it is until that many other steps have been computed as can be in flight.
    /// </summary>
    private Memory<float> NextLogits(int rows)
    {
        var size = checked(rows * _config.VocabularySize);
        _nextLogits = (_nextLogits + 1) % _logits.Length;
        if (_logits[_nextLogits].Length < size)
        {
            _logits[_nextLogits] = new float[size];
        }

        return _logits[_nextLogits].AsMemory(0, size);
    }

    /// <summary>The wanted rows of one sequence, counted from its first token.</summary>
    private static long[] WantedRows(StepBatch batch, int sequence)
    {
        var (start, end) = (batch.SequenceStarts.Span[sequence], batch.SequenceStarts.Span[sequence + 1]);
        var rows = new List<long>();
        foreach (var token in batch.LogitsRows.Span)
        {
            if (token >= start && token < end)
            {
                rows.Add(token - start);
            }
        }

        return [.. rows];
    }

    private int CopyLogits(Tensor hidden, long[] rows, Span<float> destination)
    {
        var copied = 0;
        foreach (var tile in rows.Chunk(TorchWorkspace.LogitsTile))
        {
            using var scope = NewDisposeScope();
            var wanted = hidden.index_select(0, tensor(tile, device: hidden.device)).to(_unembedding.Device);
            var logits = MemoryMarshal.Cast<byte, float>(_unembedding.Forward(wanted).cpu().contiguous().bytes);
            logits.CopyTo(destination[copied..]); // [rows, vocabulary]
            copied += logits.Length;
        }

        return copied;
    }
}
