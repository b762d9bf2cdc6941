using GptOss.Net.Execution;
using GptOss.Net.KVCache;

namespace GptOss.Net.Engine;

/// <summary>
/// Packs the tables of a step's sequences in one kind of layers; the arrays are its own, as <see cref="StepBatchBuilder"/>'s.
/// </summary>
internal sealed class BlockTablesBuilder
{
    private readonly GrowingArray<int> _slots = new();
    private readonly GrowingArray<int> _starts = new();
    private readonly GrowingArray<int> _blocks = new();
    private readonly GrowingArray<int> _firstBlocks = new();

    public void Clear()
    {
        _slots.Clear();
        _starts.Clear();
        _blocks.Clear();
        _firstBlocks.Clear();
    }

    /// <summary>Adds a sequence of which the tokens from a position on are computed.</summary>
    public void Add(BlockTable table, int firstPosition, int count)
    {
        table.CopySlots(firstPosition, _slots.Extend(count));
        _starts.Add(_blocks.Count);
        table.CopyBlocks(_blocks.Extend(table.Blocks.Count));
        _firstBlocks.Add(table.FirstBlock);
    }

    public BlockTables Build()
    {
        _starts.Add(_blocks.Count);
        return new BlockTables(_slots.Items, _starts.Items, _blocks.Items, _firstBlocks.Items);
    }
}
