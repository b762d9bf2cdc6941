using System.Runtime.ExceptionServices;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Runs the model, or consecutive parts of it, on NVIDIA GPUs with own kernels over packed weights.</summary>
/// <remarks>
/// A step is given to the cards as a whole: one copy of its numbers, then launches, recorded in a graph where only sequences decode; the
/// cards wait for each other, the host for nothing until the step is completed. While a card computes its part of one step, the one before
/// it computes the next. A token's result depends on its own sequence alone: not on the batch, on chunks, on blocks or on the number of
/// cards. What a step needs is allocated at load.
/// </remarks>
internal sealed class CudaExecutor : IModelExecutor
{
    private readonly IReadOnlyList<CudaCard> _cards;
    private readonly IReadOnlyList<ICudaPart> _parts;
    private readonly ICudaPart _first;
    private readonly ICudaPart _last;
    private readonly CudaLink[] _links; // [parts - 1]
    private readonly CudaLink? _chosenLink; // from the last card to the first
    private readonly CudaShape _shape;
    private readonly TimeSpan _patience;
    private readonly LogitsDelivery? _delivery; // where the model ends
    private readonly HostRows[] _hidden; // [slots], where other backends compute the rest
    private readonly StepSlot[] _slots;
    private readonly Queue<StepSlot> _inFlight = new();
    private readonly nint _chosen; // what the step before has sampled, where tokens are embedded
    private readonly int _stages; // that work at the same time
    private int _next;

    /// <summary>Allocates what steps need. The executor owns the cards from now on.</summary>
    /// <param name="cards">The cards, each once, with what steps compute with.</param>
    /// <param name="parts">In the order in which a step passes them.</param>
    /// <param name="ways">How arrays go from one card to another.</param>
    /// <param name="shape">The widths.</param>
    /// <param name="options">The sizes.</param>
    public CudaExecutor(
        IReadOnlyList<CudaCard> cards,
        IReadOnlyList<ICudaPart> parts,
        Func<CudaCard, CudaCard, LinkWay> ways,
        CudaShape shape,
        CudaExecutorOptions options)
    {
        (_cards, _parts, _first, _last, _shape, _patience) = (cards, parts, parts[0], parts[^1], shape, options.Patience);
        _stages = parts.Select(part => part.Card).Distinct().Count();
        var (card, slots) = (_last.Card, StepsInFlight(_stages));
        var tokens = CudaWorkspace.Tokens(options.MaxStepTokens, options.MaxSequences);
        var rows = CudaWorkspace.Rows(options.MaxSequences);
        _delivery = Unembeds ? new LogitsDelivery(card, shape, rows, slots, _patience) : null;
        _chosen = _delivery?.Chosen ?? 0;
        _slots = [.. Enumerable.Range(0, slots).Select(index => new StepSlot(card.Driver, card.Memory, index, rows))];
        _hidden = IsWhole ? [] : [.. _slots.Select(_ => new HostRows(card.Memory, shape, tokens))];
        _links = [.. parts.Skip(1).Select((part, i) => Link(
            parts[i].Card, parts[i].Card.Workspace.Residual, part.Card, part.Card.Workspace.Residual, RowBytes(tokens)))];
        if (parts.Count > 1 && IsWhole)
        {
            _chosen = _first.Card.Memory.Allocate(ChosenBytes);
            _chosenLink = Link(card, _delivery!.Chosen, _first.Card, _chosen, ChosenBytes);
        }

        CudaLink Link(CudaCard from, nint source, CudaCard to, nint target, long bytes) =>
            new(from, source, to, target, bytes, ways(from, to), slots);
    }

    /// <summary>Gets the device of the last part, for tests.</summary>
    public ICudaDriver Driver => _last.Card.Driver;

    public DeviceId Device => Driver.Properties.Device;

    public int MaxStepsInFlight => _stages;

    public int MaxStepsAhead => IsWhole ? 1 : 0;

    public long PageLockedBytes => _parts.Sum(part => part.PageLockedBytes);

    /// <summary>Gets a value indicating whether the model begins here; else steps bring hidden states.</summary>
    public bool Embeds => _first.Part.Embeds;

    /// <summary>Gets a value indicating whether the model ends here; else results are hidden states.</summary>
    public bool Unembeds => _last.Part.Unembeds;

    private bool IsWhole => Embeds && Unembeds;

    private long ChosenBytes => _delivery!.Rows * sizeof(int);

    /// <summary>How many steps may be begun: one for each card or group, and the one that goes on with what the newest samples.</summary>
    public static int StepsInFlight(int stages) => stages + 1;

    /// <summary>
    /// Not where penalties count tokens that nobody has read, nor where logits are wanted. What is left to the host after all, it says.
    /// </summary>
    public bool CanSample(in Sampling.RowSampling row) =>
        row is { WantsLogits: false, Penalties: null } && row.Options!.TopLogProbabilities <= SamplingKernels.MaxTop;

    public void Begin(StepBatch batch)
    {
        if (_inFlight.Count == _slots.Length)
        {
            throw new InvalidOperationException($"{_inFlight.Count} of {_slots.Length} steps are in flight; complete one first.");
        }

        var slot = _slots[_next];
        _next = (_next + 1) % _slots.Length;
        _inFlight.Enqueue(slot);
        slot.Begin(batch);
        try
        {
            Compute(batch, slot);
        }
#pragma warning disable CA1031 // Thrown where the step is completed.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            slot.Failure = exception;
        }
    }

    public StepResult Complete()
    {
        if (!_inFlight.TryDequeue(out var slot))
        {
            throw new InvalidOperationException("No step is in flight.");
        }

        if (slot.Failure is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        foreach (var part in _parts)
        {
            part.Wait(slot.Index, slot.ComputedTokens, _patience);
        }

        if (!Unembeds)
        {
            return new StepResult(Memory<float>.Empty, _shape.Config.VocabularySize)
            {
                Hidden = _hidden[slot.Index].Take(slot.Batch!.TokenCount),
            };
        }

        foreach (var row in slot.ReadTokens())
        {
            _delivery!.CopyLate(slot, row);
        }

        var vocabulary = _shape.Config.VocabularySize;
        return new StepResult(slot.Logits.Memory[..(slot.HostRows * vocabulary)], vocabulary)
        {
            Tokens = slot.Tokens,
            LogitsIndices = slot.LogitsIndices,
        };
    }

    public bool CanContinue() => _cards.All(card => card.Answers(_patience));

    public void Dispose()
    {
        if (_cards.Any(card => !card.Answers(_patience) && card.IsSilent))
        {
            return; // What gives memory back waits for the card, and others may wait for it: the process's end gives it back.
        }

        try
        {
            Array.ForEach(_slots, slot => slot.Dispose());
            Array.ForEach(_links, link => link.Dispose());
            _chosenLink?.Dispose();
            _delivery?.Dispose();
            foreach (var part in _parts)
            {
                part.Dispose();
            }
        }
        catch (CudaException)
        {
            // A lost device gives nothing back before the process ends.
        }

        foreach (var card in _cards)
        {
            card.Dispose();
        }
    }

    private void Compute(StepBatch batch, StepSlot slot)
    {
        StepShape step = default;
        foreach (var link in _links)
        {
            link.AwaitTaken();
        }

        for (var i = 0; i < _parts.Count; i++)
        {
            var part = _parts[i];
            part.Copy(batch.BlockCopies);
            step = part.Send(batch, slot.Index);
            slot.ComputedTokens = step.Tokens;
            Receive(i, batch, slot, step);
            part.Forward(step, part.IsLayered(batch, step), slot.Index, _chosen);
            if (i < _links.Length)
            {
                _links[i].Send(slot.Index, RowBytes(step.Tokens));
                part.End(slot.Index);
            }
        }

        Finish(batch, slot, step);
        _last.End(slot.Index);
    }

    /// <summary>Brings to a part what it goes on from.</summary>
    private void Receive(int part, StepBatch batch, StepSlot slot, in StepShape step)
    {
        if (part > 0)
        {
            _links[part - 1].Receive(slot.Index, RowBytes(step.Tokens));
        }
        else if (!Embeds)
        {
            var bytes = _hidden[slot.Index].Put(batch.Hidden.Span);
            _first.Card.Driver.Copy(_first.Card.Workspace.Residual, _hidden[slot.Index].Address, bytes, _first.Card.Stream);
        }
        else if (_chosenLink is not null && batch.TokenIds.Span.ContainsAnyInRange(int.MinValue, -1))
        {
            _chosenLink.Receive((slot.Index + _slots.Length - 1) % _slots.Length, ChosenBytes);
        }
    }

    /// <summary>From the residual behind the last layer to what is wanted of the step.</summary>
    private void Finish(StepBatch batch, StepSlot slot, in StepShape step)
    {
        var card = _last.Card;
        if (_delivery is null)
        {
            card.Driver.Copy(_hidden[slot.Index].Address, card.Workspace.Residual, RowBytes(step.Tokens), card.Stream);
            return;
        }

        var needs = _delivery.Send(batch, slot);
        _chosenLink?.AwaitTaken();
        if (_last.IsLayered(batch, step))
        {
            Deliver(0, step.Tokens);
        }
        else
        {
            for (var first = 0; first < batch.RowCount; first += _delivery.Rows)
            {
                var rows = Math.Min(_delivery.Rows, batch.RowCount - first);
                _last.Unembed(first, rows, slot.Index);
                Deliver(first, rows);
            }
        }

        _chosenLink?.Send(slot.Index, ChosenBytes);
        _delivery.Fetch(batch, slot);

        void Deliver(int first, int rows)
        {
            if (_delivery.Deliver(slot, first, rows, needs))
            {
                _last.Sampled(_delivery.Chosen, rows);
            }
        }
    }

    private long RowBytes(int tokens) => (long)tokens * _shape.Hidden * sizeof(float);
}
