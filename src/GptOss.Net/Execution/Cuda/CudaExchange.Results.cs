namespace GptOss.Net.Execution.Cuda;

/// <content>What crosses at the end of a step: logits to the card that samples, and its tokens back.</content>
internal sealed unsafe partial class CudaExchange
{
    /// <summary>
    /// Where this card computes its columns of the logits, and the values from row to row. The first card samples; the others compute
    /// them there if they see that card's memory, and those of one or two sequences in its inbox if they do not.
    /// </summary>
    public (nint Address, int Stride) LogitsOf(int slot, bool isLayered, int number)
    {
        var own = _share.Vocabulary(_shape);
        return !IsDirect && isLayered && _share.Index == 1
            ? (Other.Inbox(round: 1, number), own.Count)
            : ((IsDirect ? _all[0] : this)._workspace.Logits[slot] + (own.First * sizeof(float)), _shape.Vocabulary);
    }

    /// <summary>The other cards' logits go to the first, or have gone there.</summary>
    public void Logits(KernelStream stream, int rows, int slot, bool isLayered, int number)
    {
        if (IsDirect)
        {
            Meet(stream, number);
            return;
        }

        Bring(
            stream,
            new(_workspace.Logits[slot], There: null, rows, _shape.Vocabulary * sizeof(float), number, IsThere: isLayered),
            static (share, shape) => share.Index == 0 ? default : Bytes(share.Vocabulary(shape), sizeof(float)),
            withFirst: true);
    }

    /// <summary>The tokens that the first card has sampled go to the others.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="chosen">Where they are on the first card.</param>
    /// <param name="rows">How many.</param>
    public void SendChosen(KernelStream stream, nint chosen, int rows)
    {
        var sends = _share.Index == 0;
        foreach (var receiver in sends ? _others : [this])
        {
            _kernels.SendChosen(
                stream with { IsDependent = true },
                new(
                    sends ? chosen : Chosen,
                    receiver._chosenWords,
                    Silent,
                    _errorOnHost,
                    rows,
                    sends ? 1 : 0,
                    ChosenNumber));
        }

        _hasReported = true;
    }
}
