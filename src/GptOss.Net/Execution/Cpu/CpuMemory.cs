using System.Runtime.InteropServices;
using GptOss.Net.Interop;

namespace GptOss.Net.Execution.Cpu;

/// <summary>Owns the executor's unmanaged memory: everything is allocated once and freed together.</summary>
internal sealed unsafe class CpuMemory : IDisposable
{
    private const int Alignment = 64;
    private const int ChunkAlignment = 2 * 1024 * 1024;
    private const long ChunkBytes = 64L * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly List<nint> _chunks = [];
    private byte* _next;
    private long _left;

    /// <summary>Gets the bytes handed out so far.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>Allocates memory on a cache line, all zeros; any thread.</summary>
    /// <param name="count">How many elements.</param>
    /// <typeparam name="T">Their type.</typeparam>
    public T* Allocate<T>(long count)
        where T : unmanaged
    {
        var result = AllocateUninitialized<T>(count);
        NativeMemory.Clear(result, (nuint)(count * sizeof(T)));
        return result;
    }

    /// <summary>Allocates memory on a cache line that may hold anything; what is never touched costs nothing. Any thread.</summary>
    /// <param name="count">How many elements.</param>
    /// <typeparam name="T">Their type.</typeparam>
    public T* AllocateUninitialized<T>(long count)
        where T : unmanaged
    {
        var bytes = (Math.Max(checked(count * sizeof(T)), 1) + Alignment - 1) / Alignment * Alignment;
        lock (_lock)
        {
            if (bytes > _left)
            {
                AddChunk(Math.Max(bytes, ChunkBytes));
            }

            _next += bytes;
            _left -= bytes;
            AllocatedBytes += bytes;
            return (T*)(_next - bytes);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var chunk in _chunks)
            {
                NativeMemory.AlignedFree((void*)chunk);
            }

            _chunks.Clear();
            _next = null;
            _left = 0;
        }
    }

    private void AddChunk(long bytes)
    {
        // Kernels prefetch a little past the end of what they read: harmless, as prefetches do not fault.
        try
        {
            _next = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, ChunkAlignment);
        }
        catch (OutOfMemoryException exception)
        {
            throw new PlacementException(
                $"The system refused {bytes:N0} bytes of main memory, which were free when the model was placed. Allow it less "
                + "(MaxModelLength, MaxSequences, or a limit of the cpu in MemoryLimits), or free memory.",
                exception);
        }

        _left = bytes;
        _chunks.Add((nint)_next);
        HugePages.Advise(_next, (nuint)bytes);
    }
}
