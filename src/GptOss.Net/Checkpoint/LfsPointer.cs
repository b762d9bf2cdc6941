namespace GptOss.Net.Checkpoint;

/// <summary>The short text that git leaves in place of a large file which was not fetched.</summary>
internal static class LfsPointer
{
    /// <summary>Gets how every pointer begins.</summary>
    public static ReadOnlySpan<byte> Start => "version https://git-lfs"u8;

    /// <summary>Refuses a pointer.</summary>
    /// <param name="content">The file's first bytes.</param>
    /// <param name="path">The file.</param>
    public static void Refuse(ReadOnlySpan<byte> content, string path)
    {
        if (content.StartsWith(Start))
        {
            throw new CheckpointException(
                "is a git-LFS pointer, not the file itself. Fetch it with 'git lfs pull', or download it again.", path, tensor: null);
        }
    }
}
