namespace GptOss.Net.KVCache;

/// <summary>The blocks of a cache, for each layer of a kind; the same on every device.</summary>
internal readonly record struct KVCacheCapacity(int FullBlocks, int SlidingBlocks)
{
    /// <summary>Gets how many tokens of context fit, over all sequences.</summary>
    public int Tokens => FullBlocks * PagedKVCache.BlockSize;
}
