using GptOss.Net.Checkpoint;

namespace GptOss.Net.Tests.Checkpoint.Gguf;

/// <summary>A file in memory; zeros follow up to its length.</summary>
internal sealed class MemorySource(byte[] bytes, long length) : ITensorSource
{
    public MemorySource(byte[] bytes)
        : this(bytes, bytes.Length)
    {
    }

    public string Path => "model.gguf";

    public void Read(long offset, Span<byte> destination, string? tensor)
    {
        if (offset < 0 || destination.Length > length - offset)
        {
            throw new CheckpointException("is too short.", Path, tensor);
        }

        destination.Clear();
        bytes.AsSpan((int)Math.Min(offset, bytes.Length), (int)Math.Clamp(bytes.Length - offset, 0, destination.Length))
            .CopyTo(destination);
    }
}
