namespace GptOss.Net.Hub;

/// <summary>What a repository holds at one commit, as far as loading needs it.</summary>
/// <param name="Commit">The commit, 40 hex digits.</param>
/// <param name="Files">The files to have.</param>
internal sealed record HubSnapshot(string Commit, IReadOnlyList<HubFile> Files)
{
    public long Length => Files.Sum(file => file.Length);
}
