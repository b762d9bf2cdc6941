using System.Buffers;

namespace GptOss.Net.Execution.Cuda;

/// <summary>
/// Hidden states of one step in page-locked main memory, on their way from or to another backend: float <c>[tokens, hidden]</c>.
/// </summary>
/// <remarks>Cards pad rows; what others see has no padding.</remarks>
internal sealed unsafe class HostRows : MemoryManager<float>
{
    private readonly int _tokens;
    private readonly int _width;
    private readonly int _padded;

    public HostRows(CudaMemory memory, CudaShape shape, int tokens)
    {
        (_tokens, _width, _padded) = (tokens, shape.Config.HiddenSize, shape.Hidden);
        Address = memory.AllocateHost((long)tokens * _padded * sizeof(float));
    }

    public nint Address { get; }

    public override Span<float> GetSpan() => new((void*)Address, _tokens * _padded);

    /// <summary>Puts rows where the card copies them from; returns their bytes.</summary>
    public long Put(ReadOnlySpan<float> rows)
    {
        var to = GetSpan();
        var count = rows.Length / _width;
        for (var row = 0; row < count; row++)
        {
            var padded = to.Slice(row * _padded, _padded);
            rows.Slice(row * _width, _width).CopyTo(padded);
            padded[_width..].Clear();
        }

        return (long)count * _padded * sizeof(float);
    }

    /// <summary>The rows that the card has copied here; once for each step.</summary>
    public Memory<float> Take(int count)
    {
        var rows = GetSpan();
        for (var row = 1; row < count && _padded > _width; row++)
        {
            rows.Slice(row * _padded, _width).CopyTo(rows[(row * _width)..]);
        }

        return Memory[..(count * _width)];
    }

    public override MemoryHandle Pin(int elementIndex = 0) => new((float*)Address + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
