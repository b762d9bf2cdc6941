namespace GptOss.Net.KVCache;

/// <summary>
/// Counts the references to the blocks of one layer kind. A block without references is free; free blocks are handed out
/// in the order in which they were released, so that the one unused for longest goes first, except those that hold nothing of use.
/// Those never used come between the two; where they cost memory, only so many idle blocks are kept before one of these is used again.
/// </summary>
/// <remarks>
/// Only numbers: the keys and values lie with the executor. A block id is valid on every device, because each device's
/// storage has <see cref="BlockCount"/> blocks for each layer that it holds. Every operation is O(1) and allocates nothing.
/// </remarks>
internal sealed class BlockPool
{
    private const int NotFree = -1;

    private readonly int _mostIdle;
    private readonly int[] _references;

    // The free blocks as a ring through a sentinel, whose index is BlockCount. A referenced block is not linked.
    private readonly int[] _next;
    private readonly int[] _previous;

    /// <param name="blockCount">How many blocks.</param>
    /// <param name="mostIdle">
    /// The most free blocks that hold something of use, before one is used again while others were never used.
    /// </param>
    public BlockPool(int blockCount, int mostIdle = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(blockCount);
        ArgumentOutOfRangeException.ThrowIfNegative(mostIdle);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(blockCount, MaxBlockCount);
        BlockCount = FreeCount = blockCount;
        _mostIdle = mostIdle;
        _references = new int[blockCount];
        _next = new int[blockCount + 1];
        _previous = new int[blockCount + 1];
        for (int i = 0; i <= blockCount; i++)
        {
            _next[i] = i == blockCount ? 0 : i + 1;
            _previous[i] = i == 0 ? blockCount : i - 1;
        }
    }

    /// <summary>Gets the most blocks that a pool can have: beyond it a slot would not fit an <see cref="int"/>.</summary>
    public static int MaxBlockCount => int.MaxValue / PagedKVCache.BlockSize;

    public int BlockCount { get; }

    public int FreeCount { get; private set; }

    public int UsedCount => BlockCount - FreeCount;

    /// <summary>Gets how many blocks were ever handed out: those never used lie in order, and only they cost no memory yet.</summary>
    public int TouchedCount { get; private set; }

    /// <summary>Takes a free block, with one reference.</summary>
    /// <exception cref="InvalidOperationException">No block is free.</exception>
    public int Allocate()
    {
        if (FreeCount == 0)
        {
            throw new InvalidOperationException($"All {BlockCount} blocks are in use.");
        }

        // The blocks never used are the last ones by number, and follow each other.
        int block = _next[BlockCount];
        int untouched = BlockCount - TouchedCount;
        if (block >= TouchedCount && FreeCount - untouched > _mostIdle)
        {
            block = _next[BlockCount - 1];
        }

        Unlink(block);
        _references[block] = 1;
        FreeCount--;
        TouchedCount = Math.Max(TouchedCount, block + 1);
        return block;
    }

    /// <summary>Shares a block that is in use.</summary>
    /// <exception cref="InvalidOperationException">The block is free.</exception>
    public void AddReference(int block)
    {
        ThrowIfFree(block);
        _references[block] = checked(_references[block] + 1);
    }

    /// <summary>Takes a certain block for what it holds, whether it is free or in use.</summary>
    public void Take(int block)
    {
        if (_references[block] == 0)
        {
            Unlink(block);
            FreeCount--;
        }

        _references[block] = checked(_references[block] + 1);
    }

    /// <summary>Gives up one reference; the block is free when it was the last one.</summary>
    /// <param name="block">A block that is in use.</param>
    /// <param name="isWorthless">Nobody will ask for what it holds: it is the next to be handed out.</param>
    /// <exception cref="InvalidOperationException">The block is free already.</exception>
    public void Release(int block, bool isWorthless = false)
    {
        ThrowIfFree(block);
        if (--_references[block] == 0)
        {
            LinkBefore(isWorthless ? _next[BlockCount] : BlockCount, block);
            FreeCount++;
        }
    }

    public int ReferenceCount(int block) => _references[block];

    /// <summary>The free blocks, the next one to be allocated first.</summary>
    public IEnumerable<int> FreeBlocks()
    {
        for (int block = _next[BlockCount]; block != BlockCount; block = _next[block])
        {
            yield return block;
        }
    }

    private void ThrowIfFree(int block)
    {
        if (_references[block] == 0)
        {
            throw new InvalidOperationException($"Block {block} is free: it was released once too often.");
        }
    }

    private void Unlink(int block)
    {
        _next[_previous[block]] = _next[block];
        _previous[_next[block]] = _previous[block];
        _next[block] = _previous[block] = NotFree;
    }

    private void LinkBefore(int next, int block)
    {
        int previous = _previous[next];
        _next[previous] = _previous[next] = block;
        (_previous[block], _next[block]) = (previous, next);
    }
}
