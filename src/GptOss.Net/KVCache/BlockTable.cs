using System.Runtime.InteropServices;

namespace GptOss.Net.KVCache;

/// <summary>The blocks of one layer kind that hold a sequence, in the order of its positions, without gaps.</summary>
/// <remarks>
/// Entry <c>i</c> of <see cref="Blocks"/> holds positions <c>16 (i + <see cref="FirstBlock"/>) …</c>. Only
/// <see cref="PagedKVCache"/> changes a table, so that it always agrees with the reference counts.
/// </remarks>
internal sealed class BlockTable
{
    private readonly List<int> _blocks = [];

    public IReadOnlyList<int> Blocks => _blocks;

    /// <summary>Gets the index, within the sequence, of the first block that is still held.</summary>
    public int FirstBlock { get; private set; }

    /// <summary>Gets the index, within the sequence, behind the last block.</summary>
    public int EndBlock => FirstBlock + _blocks.Count;

    /// <summary>Where the key and value of a position lie: <c>block · 16 + offset</c>.</summary>
    public int Slot(int position) =>
        (_blocks[(position / PagedKVCache.BlockSize) - FirstBlock] * PagedKVCache.BlockSize)
        + (position % PagedKVCache.BlockSize);

    /// <summary>Writes the slots of as many positions as <paramref name="slots"/> has room for.</summary>
    public void CopySlots(int firstPosition, Span<int> slots)
    {
        for (int i = 0; i < slots.Length; i++)
        {
            slots[i] = Slot(firstPosition + i);
        }
    }

    /// <summary>Writes the blocks.</summary>
    public void CopyBlocks(Span<int> blocks) => CollectionsMarshal.AsSpan(_blocks).CopyTo(blocks);

    internal void Append(int block) => _blocks.Add(block);

    /// <summary>Puts another block that holds the same in the place of one.</summary>
    internal void Replace(int index, int block) => _blocks[index - FirstBlock] = block;

    /// <summary>Starts an empty table at a later block.</summary>
    internal void StartAt(int firstBlock) => FirstBlock = firstBlock;

    internal void RemoveFirst(int count)
    {
        _blocks.RemoveRange(0, count);
        FirstBlock += count;
    }

    internal void Clear()
    {
        _blocks.Clear();
        FirstBlock = 0;
    }
}
