using System.Runtime.CompilerServices;
using GptOss.Net.Execution.Cuda.Kernels;

namespace GptOss.Net.Execution.Cuda;

/// <summary>From a step's logits, on the card where the model ends, to tokens, and to the host where it wants logits.</summary>
internal sealed class LogitsDelivery : IDisposable
{
    private readonly CudaCard _card;
    private readonly CudaShape _shape;
    private readonly SamplingInputs _inputs;
    private readonly TimeSpan _patience;
    private readonly nint _results;
    private readonly nint _work;
    private readonly nint _lateCopies;
    private readonly nint _lateDone;

    /// <param name="card">Where the logits are.</param>
    /// <param name="shape">The widths.</param>
    /// <param name="rows">The most rows of a step that are sampled.</param>
    /// <param name="stepsInFlight">How many steps are begun before the first is completed.</param>
    /// <param name="patience">How long the card may take to copy rows.</param>
    public LogitsDelivery(CudaCard card, CudaShape shape, int rows, int stepsInFlight, TimeSpan patience)
    {
        (_card, _shape, Rows, _patience) = (card, shape, rows, patience);
        Chosen = card.Memory.Allocate((long)rows * sizeof(int));
        _results = card.Memory.Allocate((long)rows * Unsafe.SizeOf<SamplingKernels.Result>());
        _work = card.Memory.Allocate((long)rows * SamplingKernels.WorkBytesPerRow);
        _inputs = new SamplingInputs(card.Driver, card.Memory, shape, rows, stepsInFlight);
        _lateCopies = card.Driver.CreateStream();
        _lateDone = card.Driver.CreateEvent();
    }

    /// <summary>Gets the most rows of a step that are sampled, and of logits that are computed at a time.</summary>
    public int Rows { get; }

    /// <summary>Gets where the tokens are that the step sampled last, int <c>[rows]</c>.</summary>
    public nint Chosen { get; }

    /// <summary>Brings to the card what is wanted of a step's rows, and gives each row that goes to the host its place there.</summary>
    public SamplingNeeds Send(StepBatch batch, StepSlot slot)
    {
        var needs = _inputs.Send(batch.Rows.Span, slot.Index, _card.Stream, slot.ForHost);
        for (var row = 0; row < slot.ForHost.Length; row++)
        {
            slot.LogitsIndices.Span[row] = slot.ForHost[row] ? slot.HostRows++ : 0;
        }

        slot.Logits.Reserve(checked(slot.HostRows * _shape.Config.VocabularySize));
        return needs;
    }

    /// <summary>
    /// Rows of logits that the host wants go there, the others are sampled, which only the step's first rows can be. Returns whether any
    /// are.
    /// </summary>
    public bool Deliver(StepSlot slot, int first, int rows, SamplingNeeds needs)
    {
        var logits = _card.Workspace.Logits[slot.Index];
        for (var row = 0; row < rows; row++)
        {
            if (slot.ForHost[first + row])
            {
                CopyRow(slot, first + row, logits + Offset(row), _card.Stream);
            }
        }

        var samples = first == 0 && slot.HostRows < slot.ForHost.Length;
        if (samples)
        {
            _card.Kernels.Sampling.Sample(
                _card.Launches with { IsDependent = true }, new(logits, _inputs.RowsFrom(0), _work, _results, Chosen), rows, needs);
        }

        return samples;
    }

    /// <summary>Lets the card bring back what was sampled.</summary>
    public void Fetch(StepBatch batch, StepSlot slot) => slot.Fetch(_results, Math.Min(batch.RowCount, Rows), _card.Stream);

    /// <summary>A row that turned out to be the host's when it was sampled. Its logits stay until the step after the next begins.</summary>
    public void CopyLate(StepSlot slot, int row)
    {
        slot.LogitsIndices.Span[row] = slot.HostRows++;
        slot.Logits.Reserve(checked(slot.HostRows * _shape.Config.VocabularySize));
        CopyRow(slot, row, _card.Workspace.Logits[slot.Index] + Offset(row), _lateCopies);
        _card.Driver.RecordEvent(_lateDone, _lateCopies);
        _card.Wait(_lateDone, 0, _patience);
    }

    public void Dispose()
    {
        _card.Driver.DestroyEvent(_lateDone);
        _card.Driver.DestroyStream(_lateCopies);
    }

    private void CopyRow(StepSlot slot, int row, nint logits, nint stream)
    {
        long bytes = (long)_shape.Config.VocabularySize * sizeof(float);
        _card.Driver.Copy(slot.Logits.Address + (nint)(slot.LogitsIndices.Span[row] * bytes), logits, bytes, stream);
    }

    private nint Offset(int row) => (nint)row * _shape.Vocabulary * sizeof(float);
}
