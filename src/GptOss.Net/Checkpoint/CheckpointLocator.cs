namespace GptOss.Net.Checkpoint;

/// <summary>
/// Finds a checkpoint on this machine: a path, or an id like <c>openai/gpt-oss-20b</c> that is in the Hugging
/// Face cache. Downloads nothing and reads no environment variables.
/// </summary>
internal static class CheckpointLocator
{
    /// <summary>Finds a checkpoint.</summary>
    /// <param name="pathOrId">
    /// A directory, a file in it (config.json or a .safetensors file), a GGUF file, or <c>owner/name</c>.
    /// </param>
    /// <param name="cacheDirectory">The Hugging Face cache.</param>
    /// <param name="revision">The branch, tag or commit to find there.</param>
    /// <returns>The whole path of the directory, or of the file.</returns>
    public static string Locate(string pathOrId, string cacheDirectory, string revision = "main")
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(pathOrId);
        if (Directory.Exists(pathOrId))
        {
            return Path.GetFullPath(pathOrId);
        }

        if (File.Exists(pathOrId))
        {
            return IsCheckpointFile(pathOrId) || CheckpointOpener.IsGguf(pathOrId)
                ? Path.GetFullPath(pathOrId)
                : throw new CheckpointException(
                    $"'{pathOrId}' is neither GGUF nor part of a safetensors checkpoint. "
                    + "Give the directory that holds config.json and the .safetensors files.");
        }

        RefuseClosed(pathOrId);
        return IsId(pathOrId)
            ? LocateInCache(pathOrId, cacheDirectory, revision)
            : throw new CheckpointException(
                $"'{pathOrId}' is neither a directory (looked at '{Path.GetFullPath(pathOrId)}') nor an id like 'openai/gpt-oss-20b'. "
                + "Give the directory that holds config.json and the .safetensors files.");
    }

    /// <summary>The directory of a downloaded repository at a revision, or <see langword="null"/>.</summary>
    public static string? FindSnapshot(string id, string cacheDirectory, string revision)
    {
        var repository = RepositoryFolder(id, cacheDirectory);
        return Commit(repository, revision) is { } commit && Path.Combine(repository, "snapshots", commit) is var found
            && Directory.Exists(found)
            ? found
            : null;
    }

    /// <summary>Whether a text has the form <c>owner/name</c>.</summary>
    public static bool IsId(string text) =>
        text.Split('/') is [var owner, var name] && IsIdPart(owner) && IsIdPart(name);

    private static string RepositoryFolder(string id, string cache) =>
        Path.Combine(cache, "models--" + id.Replace("/", "--", StringComparison.Ordinal));

    private static string LocateInCache(string id, string cache, string revision)
    {
        if (FindSnapshot(id, cache, revision) is { } found)
        {
            return found;
        }

        var snapshots = Path.Combine(RepositoryFolder(id, cache), "snapshots");
        throw new CheckpointException(
            Directory.Exists(snapshots) && Directory.GetDirectories(snapshots) is { Length: > 0 } others
                ? $"'{snapshots}' has no snapshot of revision '{revision}' of '{id}', "
                    + $"but {string.Join(", ", others.Select(Path.GetFileName).Order(StringComparer.Ordinal))}. "
                    + "Give the directory of one of these."
                : $"'{id}' is not on this machine: there is no directory '{Path.GetFullPath(id)}' and no download in '{snapshots}'. "
                    + "Set AllowDownload = true to fetch it, or give the directory that holds config.json and the .safetensors files.");
    }

    /// <summary>A folder that this user may not enter looks like one that is not there.</summary>
    private static void RefuseClosed(string path)
    {
        try
        {
            _ = File.GetAttributes(path);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new CheckpointException(
                "may not be read by the user that runs this process.", Path.GetFullPath(path), tensor: null, exception);
        }
        catch (IOException)
        {
            // It is not there.
        }
    }

    /// <summary>
    /// The commit that a revision was at when it was downloaded; of the main branch, without that note, the only one that is there.
    /// </summary>
    private static string? Commit(string repository, string revision)
    {
        var reference = Path.Combine(repository, "refs", revision);
        if (File.Exists(reference))
        {
            var commit = File.ReadAllText(reference).Trim();
            return commit.Length > 0 && commit.All(char.IsAsciiLetterOrDigit) ? commit : null;
        }

        var snapshots = Path.Combine(repository, "snapshots");
        return revision.Length == 40 && revision.All(char.IsAsciiHexDigit) ? revision
            : revision == "main" && Directory.Exists(snapshots) && Directory.GetDirectories(snapshots) is [var only]
                ? Path.GetFileName(only)
            : null;
    }

    private static bool IsCheckpointFile(string path) =>
        path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)
        || path.EndsWith(".safetensors.index.json", StringComparison.OrdinalIgnoreCase)
        || string.Equals(Path.GetFileName(path), "config.json", StringComparison.OrdinalIgnoreCase);

    private static bool IsIdPart(string part) =>
        part.Length > 0 && part[0] != '.' && part.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
}
