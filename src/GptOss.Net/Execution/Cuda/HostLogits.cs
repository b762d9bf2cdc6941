using System.Buffers;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Page-locked main memory for the rows of logits of one step that the host wants; it only grows.</summary>
internal sealed unsafe class HostLogits(ICudaDriver driver) : MemoryManager<float>
{
    private int _length;

    /// <summary>Gets where the values begin; it changes when they get more room.</summary>
    public nint Address { get; private set; }

    /// <summary>Makes room for so many values, and keeps those that are there.</summary>
    public void Reserve(int length)
    {
        if (_length >= length)
        {
            return;
        }

        var address = driver.AllocateHost((long)length * sizeof(float));
        GetSpan().CopyTo(new Span<float>((void*)address, length));
        Release();
        (Address, _length) = (address, length);
    }

    public override Span<float> GetSpan() => new((void*)Address, _length);

    public override MemoryHandle Pin(int elementIndex = 0) => new((float*)Address + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing) => Release();

    private void Release()
    {
        if (Address != 0)
        {
            driver.FreeHost(Address);
            (Address, _length) = (0, 0);
        }
    }
}
