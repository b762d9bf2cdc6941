namespace GptOss.Net.StructuredOutput;

/// <summary>The token masks of the states seen last, up to a number of bytes. Safe for use by several threads.</summary>
internal sealed class TokenMaskCache
{
    /// <summary>The default bound: about 1,200 masks.</summary>
    public const long DefaultCapacity = 32L << 20;

    // A mask, and a generous guess at the state that it belongs to.
    private const long BytesPerState = (TokenMask.WordCount * sizeof(ulong)) + 1024;

    private readonly TokenTrie _trie;
    private readonly LeastRecentlyUsed<TextState, TokenMask> _masks;
    private readonly LeastRecentlyUsed<TextState, InnerMask> _innerMasks;

    /// <summary>Creates an empty cache that holds at most <paramref name="capacity"/> bytes.</summary>
    public TokenMaskCache(TokenTrie trie, long capacity = DefaultCapacity)
    {
        _trie = trie;
        _innerMasks = new(Math.Max(2 * BytesPerState, capacity / 4));
        _masks = new(Math.Max(2 * BytesPerState, capacity - (capacity / 4)));
    }

    /// <summary>The bytes in use.</summary>
    public long Size => _masks.Size + _innerMasks.Size;

    /// <summary>Returns the tokens that may follow in a state.</summary>
    public TokenMask GetMask(TextState state)
    {
        if (!_masks.TryGet(state, out var mask))
        {
            mask = new TokenMask(Walk(state));
            _masks.Add(state, mask, BytesPerState);
        }

        return mask;
    }

    private ulong[] Walk(TextState state)
    {
        if (state.Inner is not { } inner || state.Outer is not { } outer)
        {
            return _trie.Walk(state);
        }

        if (!_innerMasks.TryGet(inner, out var innerMask))
        {
            var leaving = new List<int>();
            innerMask = new InnerMask(_trie.Walk(inner, leaving), [.. leaving]);
            _innerMasks.Add(inner, innerMask, BytesPerState + (leaving.Count * sizeof(int)));
        }

        var words = innerMask.Words.AsSpan().ToArray();
        _trie.WalkOn(outer, innerMask.Leaving, words);
        return words;
    }
}
