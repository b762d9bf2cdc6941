using System.Buffers;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Page-locked main memory for the rows of logits of one step that the host wants; it only grows.</summary>
internal sealed unsafe class HostLogits(ICudaDriver driver) : MemoryManager<float>
{
    private nint _address;
    private int _length;

    /// <summary>Makes room for so many values; what was there is lost.</summary>
    public nint Reserve(int length)
    {
        if (_length < length)
        {
            Release();
            _address = driver.AllocateHost((long)length * sizeof(float));
            _length = length;
        }

        return _address;
    }

    public override Span<float> GetSpan() => new((void*)_address, _length);

    public override MemoryHandle Pin(int elementIndex = 0) => new((float*)_address + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing) => Release();

    private void Release()
    {
        if (_address != 0)
        {
            driver.FreeHost(_address);
            (_address, _length) = (0, 0);
        }
    }
}
