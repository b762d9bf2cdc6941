using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda;

/// <summary>The numbers of a step as the device reads them: one block of ints, which one copy brings there.</summary>
/// <remarks>
/// On the device there is one, at addresses that stay; in page-locked memory one for each step in flight, since a step is packed while
/// the one before it is still computed.
/// </remarks>
internal sealed unsafe class StepInputs
{
    private readonly ICudaDriver _driver;
    private readonly CudaShape _shape;
    private readonly int _tokens;
    private readonly int _blocksFrom;
    private readonly int _capacity;
    private readonly int _partialChunks;
    private readonly nint _device;
    private readonly nint[] _host;
    private int _sequences;

    /// <param name="driver">The device.</param>
    /// <param name="memory">Owns what is allocated.</param>
    /// <param name="shape">The widths.</param>
    /// <param name="tokens">Tokens of the largest step.</param>
    /// <param name="blocks">Entries of all block tables of a step.</param>
    /// <param name="partialChunks">Chunks of keys that decode attention has room for, over all sequences of a step.</param>
    /// <param name="stepsInFlight">How many steps are packed at the same time.</param>
    public StepInputs(ICudaDriver driver, CudaMemory memory, CudaShape shape, int tokens, int blocks, int partialChunks, int stepsInFlight)
    {
        (_driver, _shape, _tokens, _partialChunks) = (driver, shape, tokens, partialChunks);
        _blocksFrom = (int)Field.Count * tokens;
        _capacity = _blocksFrom + blocks;
        _device = memory.Allocate((long)_capacity * sizeof(int));
        _host = [.. Enumerable.Range(0, stepsInFlight).Select(_ => memory.AllocateHost((long)_capacity * sizeof(int)))];
    }

    /// <summary>The bytes of the device that this takes.</summary>
    public static long Bytes(int tokens, int blocks) => (((long)Field.Count * tokens) + blocks) * sizeof(int);

    // Each has room for as many ints as the largest step has tokens; rows for twice as many, since several answers may begin with one
    // token; tiles for four times as many.
    private enum Field
    {
        Tokens,
        Positions,
        FullSlots,
        SlidingSlots,
        Lengths,
        FullStarts,
        SlidingStarts,
        Rows,
        Live = Rows + 2,
        Number,
        Tiles,
        Count = Tiles + 4,
    }

    public nint Tokens => Address(Field.Tokens);

    public nint Positions => Address(Field.Positions);

    /// <summary>Gets how many keys each sequence has, the new ones included; 0 for padding.</summary>
    public nint Lengths => Address(Field.Lengths);

    /// <summary>Gets the tokens whose logits are wanted.</summary>
    public nint Rows => Address(Field.Rows);

    /// <summary>Gets how many tokens are not padding.</summary>
    public nint Live => Address(Field.Live);

    /// <summary>Gets the step's number, for cards that compute it together.</summary>
    public nint Number => Address(Field.Number);

    /// <summary>Gets (sequence, first token, its position, tokens) of every tile.</summary>
    public nint Tiles => Address(Field.Tiles);

    public nint Blocks => _device + ((nint)_blocksFrom * sizeof(int));

    public nint Slots(bool sliding) => Address(sliding ? Field.SlidingSlots : Field.FullSlots);

    public nint Starts(bool sliding) => Address(sliding ? Field.SlidingStarts : Field.FullStarts);

    /// <summary>Packs a step, and lets the stream bring it to the device.</summary>
    /// <param name="batch">The step.</param>
    /// <param name="slot">Which of the steps in flight.</param>
    /// <param name="stream">Where it is computed.</param>
    /// <param name="number">The step's number, if anybody asks for it.</param>
    public StepShape Send(StepBatch batch, int slot, nint stream, int number = 0)
    {
        var ints = new Span<int>((void*)_host[slot], _capacity);
        var (decodes, chunks) = Decodes(batch);
        var isDecode = decodes == batch.SequenceCount;
        var tokens = isDecode ? StepBuckets.RoundUp(decodes) : batch.TokenCount;
        _sequences = isDecode ? tokens : batch.SequenceCount;
        Put(ints, Field.Tokens, batch.TokenIds.Span, tokens, padding: 0);
        Put(ints, Field.Positions, batch.Positions.Span, tokens, padding: 0);
        Put(ints, Field.FullSlots, batch.Full.Slots.Span, tokens, padding: -1);
        Put(ints, Field.SlidingSlots, batch.Sliding.Slots.Span, tokens, padding: -1);
        Put(ints, Field.Lengths, batch.ContextLengths.Span, _sequences, padding: 0);
        Put(ints, Field.Rows, batch.LogitsRows.Span, 0, padding: 0);
        ints[At(Field.Live)] = batch.TokenCount;
        ints[At(Field.Number)] = number;
        var used = PutTable(ints, Field.FullStarts, batch.Full, _blocksFrom);
        used = PutTable(ints, Field.SlidingStarts, batch.Sliding, used);
        var tiles = PutTiles(ints, batch, decodes);
        _driver.Copy(_device, _host[slot], (long)used * sizeof(int), stream);
        return new StepShape(tokens, isDecode ? tokens : decodes, tiles, chunks, batch.RowCount);
    }

    /// <summary>
    /// How many sequences, from the first on, have one token, and the chunks of keys of the longest, padded. None if their partial
    /// results have no room: then they are tiles like the others.
    /// </summary>
    private (int Count, int Chunks) Decodes(StepBatch batch)
    {
        var starts = batch.SequenceStarts.Span;
        var (count, longest) = (0, 0);
        for (; count < batch.SequenceCount && starts[count + 1] == count + 1; count++)
        {
            longest = Math.Max(longest, batch.ContextLengths.Span[count]);
        }

        var chunks = StepBuckets.RoundUpChunks(Kernels.AttentionKernels.Chunks(longest, Kernels.AttentionKernels.NoWindow));
        return (long)StepBuckets.RoundUp(count) * chunks <= _partialChunks ? (count, chunks) : (0, 0);
    }

    private void Put(Span<int> ints, Field field, ReadOnlySpan<int> values, int count, int padding)
    {
        var to = ints.Slice(At(field), Math.Max(count, values.Length));
        values.CopyTo(to);
        to[values.Length..].Fill(padding);
    }

    /// <summary>The table of a sequence begins where the block of position 0 would be.</summary>
    private int PutTable(Span<int> ints, Field field, BlockTables tables, int used)
    {
        tables.Blocks.Span.CopyTo(ints[used..]);
        var starts = ints.Slice(At(field), _sequences);
        starts.Clear();
        for (var i = 0; i < tables.FirstBlocks.Length; i++)
        {
            starts[i] = used - _blocksFrom + tables.Starts.Span[i] - tables.FirstBlocks.Span[i];
        }

        return used + tables.Blocks.Length;
    }

    /// <summary>Tiles of the sequences behind the decoding ones; the longest come last, and are begun first.</summary>
    private int PutTiles(Span<int> ints, StepBatch batch, int decodes)
    {
        var tileTokens = Kernels.AttentionKernels.PrefillTokens(_shape);
        var tiles = System.Runtime.InteropServices.MemoryMarshal.Cast<int, (int Sequence, int Token, int Position, int Tokens)>(
            ints[At(Field.Tiles)..At(Field.Count)]);
        var count = 0;
        for (var sequence = decodes; sequence < batch.SequenceCount; sequence++)
        {
            var (first, end) = (batch.SequenceStarts.Span[sequence], batch.SequenceStarts.Span[sequence + 1]);
            for (var token = first; token < end; token += tileTokens)
            {
                tiles[count++] = (sequence, token, batch.Positions.Span[token], Math.Min(tileTokens, end - token));
            }
        }

        tiles[..count].Sort(static (left, right) => left.Position.CompareTo(right.Position));
        return count;
    }

    private int At(Field field) => (int)field * _tokens;

    private nint Address(Field field) => _device + ((nint)At(field) * sizeof(int));
}
