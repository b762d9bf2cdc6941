namespace GptOss.Net.Checkpoint;

/// <summary>
/// Where a tensor's bytes come from: a file, or what is made of other bytes while it is read. Any number of threads may read at once.
/// </summary>
internal interface ITensorSource
{
    /// <summary>Gets the path of the file that stands behind it, for messages.</summary>
    string Path { get; }

    /// <summary>Fills <paramref name="destination"/> with the bytes at <paramref name="offset"/>.</summary>
    /// <param name="offset">Bytes from the start of the source.</param>
    /// <param name="destination">Where the bytes go.</param>
    /// <param name="tensor">The tensor that they belong to, for messages.</param>
    /// <exception cref="CheckpointException">The file cannot be read.</exception>
    void Read(long offset, Span<byte> destination, string? tensor);
}
