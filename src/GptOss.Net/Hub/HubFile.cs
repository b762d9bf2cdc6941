namespace GptOss.Net.Hub;

/// <summary>A file of a repository at one commit.</summary>
/// <param name="Path">Its path in the repository.</param>
/// <param name="Length">Its size in bytes.</param>
/// <param name="Hash">
/// What names its blob in the cache and proves its content: the SHA-256 of a large file, git's SHA-1 of a small one; lower-case hex.
/// </param>
internal sealed record HubFile(string Path, long Length, string Hash);
