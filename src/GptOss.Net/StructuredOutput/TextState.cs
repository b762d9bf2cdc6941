namespace GptOss.Net.StructuredOutput;

/// <summary>A state of an automaton over the bytes of a text: what may still follow. Immutable; compared by value.</summary>
/// <remarks>
/// A state never is a dead end: it accepts the end of the text or at least one byte. States are the keys of the cache of token
/// masks, so equal futures should be equal states. Derive records, keep the fields few, and build larger texts by giving each
/// part the state that follows it, as <see cref="TextLiteral"/> does.
/// </remarks>
internal abstract record TextState
{
    /// <summary>Whether the text may end here.</summary>
    public virtual bool IsAccepting => false;

    /// <summary>
    /// Whether the text must end here. A state that may end need not know: nothing may follow a number of the greatest length.
    /// </summary>
    public virtual bool MustEnd => false;

    /// <summary>
    /// The part of this state that is the same in whatever encloses it, if there is one: a state that behaves like this one
    /// until it must end, and from there like <see cref="Outer"/>. Masks of inner states are shared, which makes text in
    /// strings cheap. They may differ from this state beyond the longest token.
    /// </summary>
    public virtual TextState? Inner => null;

    /// <summary>What follows <see cref="Inner"/>; null where that is.</summary>
    public virtual TextState? Outer => null;

    /// <summary>Returns the state after one more byte, or null if that byte may not follow.</summary>
    public abstract TextState? Advance(byte next);

    /// <summary>Returns the state after some more bytes, or null if they may not follow.</summary>
    public TextState? Advance(ReadOnlySpan<byte> text)
    {
        var state = this;
        foreach (var next in text)
        {
            state = state.Advance(next);
            if (state is null)
            {
                return null;
            }
        }

        return state;
    }
}
