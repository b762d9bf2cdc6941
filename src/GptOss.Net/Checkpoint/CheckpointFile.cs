using Microsoft.Win32.SafeHandles;

namespace GptOss.Net.Checkpoint;

/// <summary>One open file of weights. Reads are positional, so any number of threads may read at once.</summary>
internal sealed class CheckpointFile : ITensorSource, IDisposable
{
    private readonly SafeFileHandle _handle;

    private CheckpointFile(string path, SafeFileHandle handle) => (Path, _handle, Length) = (path, handle, RandomAccess.GetLength(handle));

    public string Path { get; }

    /// <summary>Gets the size of the whole file in bytes.</summary>
    public long Length { get; }

    /// <summary>Opens a file; nothing of it is read.</summary>
    public static CheckpointFile Open(string path)
    {
        try
        {
            return new CheckpointFile(
                path, File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.RandomAccess));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new CheckpointException($"cannot be opened: {exception.Message}", path, tensor: null, exception);
        }
    }

    public void Read(long offset, Span<byte> destination, string? tensor)
    {
        try
        {
            while (!destination.IsEmpty)
            {
                var count = RandomAccess.Read(_handle, destination, offset);
                if (count == 0)
                {
                    throw new CheckpointException(
                        $"the file ends at byte {offset:N0}, {destination.Length:N0} bytes too early. "
                        + "It changed while it was open, or is truncated.",
                        Path,
                        tensor);
                }

                destination = destination[count..];
                offset += count;
            }
        }
        catch (IOException exception)
        {
            throw new CheckpointException($"reading at byte {offset:N0} failed: {exception.Message}", Path, tensor, exception);
        }
    }

    public void Dispose() => _handle.Dispose();
}
