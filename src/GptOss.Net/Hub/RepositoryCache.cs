namespace GptOss.Net.Hub;

/// <summary>
/// A repository in the cache that all Hugging Face tools share:
/// <code>
/// models--owner--name/refs/REVISION        the commit that a branch or tag was at
///                    /blobs/HASH           the content of a file; HASH.incomplete while it is fetched
///                    /snapshots/COMMIT/... a link to the blob under the file's path; the file itself where links are not allowed
/// .locks/models--owner--name/HASH.lock     held while a blob is fetched
/// </code>
/// </summary>
internal sealed class RepositoryCache(string cacheDirectory, string id)
{
    private readonly string _folder = "models--" + id.Replace("/", "--", StringComparison.Ordinal);

    private string Root => Path.Combine(cacheDirectory, _folder);

    public string Snapshots => Path.Combine(Root, "snapshots");

    public string Blob(HubFile file) => Path.Combine(Root, "blobs", file.Hash);

    public string Incomplete(HubFile file) => Blob(file) + ".incomplete";

    public string Snapshot(string commit) => Path.Combine(Snapshots, commit);

    /// <summary>The path of a file in a snapshot, whether it is there or not.</summary>
    public string FilePath(string commit, HubFile file) =>
        Path.Combine(Snapshot(commit), file.Path.Replace('/', Path.DirectorySeparatorChar));

    /// <summary>Waits until no other program fetches this file; dispose the result to let the next one in.</summary>
    public async Task<IDisposable> LockAsync(HubFile file, CancellationToken cancellationToken)
    {
        var path = Path.Combine(cacheDirectory, ".locks", _folder, file.Hash + ".lock");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        while (true)
        {
            try
            {
                // FileShare.None is flock(2) on Unix, as Hugging Face's own tools lock.
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Shows a complete blob under the file's path in a snapshot.</summary>
    public void Link(string commit, HubFile file)
    {
        var (path, blob) = (FilePath(commit, file), Blob(file));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (File.Exists(path))
        {
            return;
        }

        File.Delete(path); // a link to nothing
        try
        {
            File.CreateSymbolicLink(path, Path.GetRelativePath(Path.GetDirectoryName(path)!, blob));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException && OperatingSystem.IsWindows())
        {
            // Windows allows links to some users only; the published layout then has the file itself here.
            File.Move(blob, path);
        }
    }

    /// <summary>Notes which commit a branch or tag is at, once all its files are there.</summary>
    public void WriteReference(string revision, string commit)
    {
        if (revision == commit)
        {
            return;
        }

        var path = Path.Combine(Root, "refs", revision);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var draft = path + "." + Guid.NewGuid().ToString("N");
        File.WriteAllText(draft, commit);
        File.Move(draft, path, overwrite: true);
    }

    /// <summary>The free bytes of the disk that the cache is on; <see langword="null"/> where the system does not tell.</summary>
    public long? FreeBytes()
    {
        try
        {
            Directory.CreateDirectory(Root);
            return new DriveInfo(Path.GetFullPath(Root)).AvailableFreeSpace;
        }
        catch (Exception exception) when (exception is IOException or ArgumentException)
        {
            return null;
        }
    }
}
