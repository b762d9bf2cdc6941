using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda.Loading;

/// <summary>One way from the checkpoint to the device: a page-locked buffer, its twin on the device, and a stream for both.</summary>
/// <remarks>One thread at a time uses it. While the device copies and packs, that thread fills another lane's buffer.</remarks>
internal sealed unsafe class UploadLane : IDisposable
{
    private readonly ICudaDriver _driver;
    private readonly CudaMemory _memory;
    private readonly nint _host;
    private readonly nint _stream;
    private readonly nint _done;
    private int _used;

    public UploadLane(ICudaDriver driver, int capacity)
    {
        _driver = driver;
        Capacity = capacity;
        _memory = new CudaMemory(driver);
        try
        {
            _host = _memory.AllocateHost(capacity);
            Device = _memory.Allocate(capacity);
            _stream = driver.CreateStream();
            _done = driver.CreateEvent();
        }
        catch
        {
            _memory.Dispose();
            throw;
        }
    }

    public int Capacity { get; }

    /// <summary>Gets where the buffer's twin begins.</summary>
    public nint Device { get; }

    public KernelStream Stream => new(_driver, _stream, IsDependent: false);

    /// <summary>Waits until the buffer is free again.</summary>
    public void Begin()
    {
        _driver.SynchronizeEvent(_done);
        _used = 0;
    }

    /// <summary>Takes some bytes of the buffer to fill; returns their address on the device.</summary>
    public nint Take(int bytes, out Span<byte> buffer)
    {
        var offset = _used;
        _used = checked((offset + bytes + 255) & ~255);
        if (offset + bytes > Capacity)
        {
            throw new InvalidOperationException($"{offset + bytes:N0} bytes do not fit into a lane of {Capacity:N0}.");
        }

        buffer = new Span<byte>((void*)(_host + offset), bytes);
        return Device + offset;
    }

    /// <summary>Copies what was filled to the device; kernels that are launched on the stream from now on read it there.</summary>
    public void Send() => _driver.Copy(Device, _host, Math.Min(_used, Capacity), _stream);

    /// <summary>The buffer is free when everything on the stream is done.</summary>
    public void End() => _driver.RecordEvent(_done, _stream);

    public void Dispose()
    {
        try
        {
            _driver.SynchronizeStream(_stream);
            _driver.DestroyEvent(_done);
            _driver.DestroyStream(_stream);
        }
        catch (CudaException)
        {
            // The failure that led here says more.
        }

        _memory.Dispose();
    }
}
