using GptOss.Net.Harmony;
using GptOss.Net.Sampling;

namespace GptOss.Net.StructuredOutput;

/// <summary>Follows one text token by token and says what may come next. The piece that a token constraint drives; one thread.</summary>
internal sealed class ConstrainedText(TextState start, TokenMaskCache masks, HarmonyTokenizer tokenizer)
{
    private TokenBitset? _allowed;

    /// <summary>The present state.</summary>
    public TextState State { get; private set; } = start;

    /// <summary>Whether the text may end here. Tokens that end it are the caller's: no mask holds a control token.</summary>
    public bool MayEnd => State.IsAccepting;

    /// <summary>Whether the text must end here, since no ordinary token may follow.</summary>
    public bool MustEnd => State.MustEnd || Allowed.Count == 0;

    /// <summary>The ordinary tokens that may come next; none if the text must end.</summary>
    public TokenBitset Allowed => _allowed ??= masks.GetMask(State);

    /// <summary>The tokens that may come next, and those of the given control tokens that end the text if it may end.</summary>
    public TokenBitset AllowedOr(params ReadOnlySpan<int> ends) => MayEnd ? masks.GetMask(State, ends) : Allowed;

    /// <summary>Moves on past <paramref name="token"/>; false, and nothing changes, if it may not come here.</summary>
    public bool TryAccept(int token)
    {
        if (ControlToken.IsControl(token) || !tokenizer.TryGetBytes(token, out var bytes) || State.Advance(bytes) is not { } advanced)
        {
            return false;
        }

        State = advanced;
        _allowed = null;
        return true;
    }
}
