using System.Runtime.InteropServices;
using GptOss.Net.Interop;

namespace GptOss.Net.Execution.Cpu;

/// <summary>
/// Owns the executor's unmanaged memory: everything is allocated once and freed together. What a <see cref="RepackedFile"/> holds is handed
/// out in the same order in which it was allocated when the file was written, filled and read-only.
/// </summary>
internal sealed unsafe class CpuMemory : IDisposable
{
    private const int Alignment = 64;
    private const int ChunkAlignment = 2 * 1024 * 1024;
    private const long ChunkBytes = 64L * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly List<MemoryRange> _chunks = []; // what was handed out of each
    private readonly RepackedFile? _file;
    private byte* _next;
    private long _left;

    public CpuMemory()
    {
    }

    /// <param name="file">What is handed out. It is disposed with the memory.</param>
    public CpuMemory(RepackedFile file)
    {
        _file = file;
        _next = (byte*)file.Data.Start;
        _left = file.Data.Bytes;
    }

    /// <summary>Gets a value indicating whether all of it holds what belongs there; it must not be written to.</summary>
    public bool IsFilled => _file is not null;

    /// <summary>Gets the bytes handed out so far.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>Gets where the handed out bytes lie, in the order of the allocations; not of a file.</summary>
    public IReadOnlyList<MemoryRange> Ranges => _chunks;

    /// <summary>The bytes that an allocation takes.</summary>
    public static long Aligned(long bytes) => (Math.Max(bytes, 1) + Alignment - 1) / Alignment * Alignment;

    /// <summary>Allocates memory on a cache line, all zeros where nothing fills it; any thread.</summary>
    /// <param name="count">How many elements.</param>
    /// <typeparam name="T">Their type.</typeparam>
    public T* Allocate<T>(long count)
        where T : unmanaged
    {
        var result = AllocateUninitialized<T>(count);
        if (!IsFilled)
        {
            NativeMemory.Clear(result, (nuint)(count * sizeof(T)));
        }

        return result;
    }

    /// <summary>Allocates memory on a cache line that may hold anything; what is never touched costs nothing. Any thread.</summary>
    /// <param name="count">How many elements.</param>
    /// <typeparam name="T">Their type.</typeparam>
    public T* AllocateUninitialized<T>(long count)
        where T : unmanaged
    {
        var wanted = checked(count * sizeof(T));
        var bytes = Aligned(wanted);
        lock (_lock)
        {
            if (bytes > _left)
            {
                AddChunk(Math.Max(bytes, ChunkBytes));
            }

            var result = _next;
            _next += bytes;
            _left -= bytes;
            AllocatedBytes += bytes;
            if (!IsFilled)
            {
                _chunks[^1] = _chunks[^1] with { Bytes = _chunks[^1].Bytes + bytes };
                NativeMemory.Clear(result + wanted, (nuint)(bytes - wanted)); // a file must not get what lay there before
            }

            return (T*)result;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var chunk in _chunks)
            {
                NativeMemory.AlignedFree((void*)chunk.Start);
            }

            _chunks.Clear();
            _file?.Dispose();
            _next = null;
            _left = 0;
        }
    }

    private void AddChunk(long bytes)
    {
        if (IsFilled)
        {
            throw new InvalidOperationException($"The file of repacked weights has {_left:N0} bytes left, and {bytes:N0} are wanted.");
        }

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
        _chunks.Add(new MemoryRange((nint)_next, 0));
        HugePages.Advise(_next, (nuint)bytes);
    }
}
