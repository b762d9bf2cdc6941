using GptOss.Net.Harmony;
using GptOss.Net.Sampling;

namespace GptOss.Net.StructuredOutput;

/// <summary>The token masks of the states seen last, up to a number of bytes. Safe for use by several threads.</summary>
internal sealed class TokenMaskCache
{
    /// <summary>The default bound: about 1,200 masks.</summary>
    public const long DefaultCapacity = 32L << 20;

    // A mask, and a generous guess at the state that it belongs to.
    private const long BytesPerState = (TokenTrie.WordCount * sizeof(ulong)) + 1024;

    private readonly TokenTrie _trie;
    private readonly LeastRecentlyUsed<MaskKey, TokenBitset> _masks;
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

    /// <summary>Returns the tokens that may follow in a state: ordinary ones, and the given control tokens.</summary>
    public TokenBitset GetMask(TextState state, params ReadOnlySpan<int> ends)
    {
        var key = new MaskKey(state, EndBits(ends));
        if (!_masks.TryGet(key, out var mask))
        {
            mask = ends.IsEmpty ? new TokenBitset(Walk(state)) : GetMask(state).With(ends);
            _masks.Add(key, mask, BytesPerState);
        }

        return mask;
    }

    private static uint EndBits(ReadOnlySpan<int> ends)
    {
        var bits = 0u;
        foreach (var token in ends)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)(token - ControlToken.First), 32u, nameof(ends));
            bits |= 1u << (token - ControlToken.First);
        }

        return bits;
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

    /// <param name="State">What is written.</param>
    /// <param name="Ends">The control tokens that may come, a bit each, from the lowest one on.</param>
    private readonly record struct MaskKey(TextState State, uint Ends);
}
