using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.KVCache;

/// <summary>A sequence of the cache's model: its blocks, its tokens, and what each position's keys and values depend on.</summary>
internal sealed class CachedSequence(IEnumerable<int> tokens, string? salt)
{
    private readonly List<long> _values = [];

    public SequenceBlocks Blocks { get; } = new() { CacheSalt = salt, PromptLength = 40 };

    public List<int> Tokens { get; } = [.. tokens];

    /// <summary>A number for all tokens up to a position, and for who may see them.</summary>
    public long Value(int position)
    {
        while (_values.Count <= position)
        {
            var before = _values.Count == 0 ? (Blocks.CacheSalt is null ? 17 : 31) : _values[^1];
            _values.Add(unchecked((before * 1_000_003) + Tokens[_values.Count] + 1) & long.MaxValue);
        }

        return _values[position];
    }
}
