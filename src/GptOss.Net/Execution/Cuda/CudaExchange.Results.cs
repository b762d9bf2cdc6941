namespace GptOss.Net.Execution.Cuda;

/// <content>What crosses at the end of a step: logits to the card that samples, and its tokens back.</content>
internal sealed unsafe partial class CudaExchange
{
    /// <summary>
    /// Where this card computes its columns of the logits, and the values from row to row. The first card samples; the second one computes
    /// them there if it sees that card's memory, and those of one or two sequences in its inbox if it does not.
    /// </summary>
    public (nint Address, int Stride) LogitsOf(int slot, bool isLayered, int number)
    {
        var own = _share.Vocabulary(_shape);
        return !IsDirect && isLayered && _share.Index == 1
            ? (Other._inbox + Turn(number), own.Count)
            : ((IsDirect && _share.Index == 1 ? Other : this)._workspace.Logits[slot] + (own.First * sizeof(float)), _shape.Vocabulary);
    }

    /// <summary>The second card's logits go to the first, or have gone there.</summary>
    public void Logits(KernelStream stream, int rows, int slot, bool isLayered, int number)
    {
        if (IsDirect)
        {
            Meet(stream, number);
            return;
        }

        var second = Bytes((_share.Index == 1 ? _share : Other._share).Vocabulary(_shape), sizeof(float));
        Bring(
            stream,
            new(_workspace.Logits[slot], There: 0, rows, _shape.Vocabulary * sizeof(float), number, IsThere: isLayered),
            _share.Index == 1 ? second : default,
            _share.Index == 0 ? second : default);
    }

    /// <summary>The tokens that the first card has sampled go to the second.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="chosen">Where they are on the first card.</param>
    /// <param name="rows">How many.</param>
    public void SendChosen(KernelStream stream, nint chosen, int rows)
    {
        var sends = _share.Index == 0;
        _kernels.SendChosen(
            stream with { IsDependent = true },
            new(
                sends ? chosen : Chosen,
                sends ? Other._chosenWords : _chosenWords,
                Silent,
                _errorOnHost,
                rows,
                sends ? 1 : 0,
                ChosenNumber));
        _hasReported = true;
    }
}
