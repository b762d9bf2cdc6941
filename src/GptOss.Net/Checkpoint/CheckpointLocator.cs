namespace GptOss.Net.Checkpoint;

/// <summary>
/// Finds a checkpoint on this machine: a path, or an id like <c>openai/gpt-oss-20b</c> that is in the Hugging
/// Face cache. Downloads nothing and reads no environment variables.
/// </summary>
internal static class CheckpointLocator
{
    private const string Revision = "main";

    /// <summary>Gets where Hugging Face tools keep downloads unless told otherwise.</summary>
    public static string DefaultCacheDirectory =>
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "huggingface", "hub");

    /// <summary>Finds a checkpoint.</summary>
    /// <param name="pathOrId">A directory, a file in it (config.json or a .safetensors file), or <c>owner/name</c>.</param>
    /// <param name="cacheDirectory">The Hugging Face cache; <see langword="null"/> for <see cref="DefaultCacheDirectory"/>.</param>
    /// <returns>The whole path of the directory, or of the file.</returns>
    public static string Locate(string pathOrId, string? cacheDirectory = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(pathOrId);
        if (Directory.Exists(pathOrId))
        {
            return Path.GetFullPath(pathOrId);
        }

        if (File.Exists(pathOrId))
        {
            return IsCheckpointFile(pathOrId)
                ? Path.GetFullPath(pathOrId)
                : throw new CheckpointException(
                    $"'{pathOrId}' is not part of a safetensors checkpoint. Give the directory that holds config.json and the .safetensors files.");
        }

        RefuseClosed(pathOrId);
        return IsId(pathOrId)
            ? LocateInCache(pathOrId, cacheDirectory ?? DefaultCacheDirectory)
            : throw new CheckpointException(
                $"'{pathOrId}' is neither a directory (looked at '{Path.GetFullPath(pathOrId)}') nor an id like 'openai/gpt-oss-20b'. "
                + "Give the directory that holds config.json and the .safetensors files.");
    }

    private static string LocateInCache(string id, string cache)
    {
        var repository = Path.Combine(cache, "models--" + id.Replace("/", "--", StringComparison.Ordinal));
        var snapshots = Path.Combine(repository, "snapshots");
        if (Snapshot(repository) is { } commit && Directory.Exists(Path.Combine(snapshots, commit)))
        {
            return Path.Combine(snapshots, commit);
        }

        throw new CheckpointException(
            Directory.Exists(snapshots) && Directory.GetDirectories(snapshots) is { Length: > 0 } others
                ? $"'{snapshots}' has no snapshot of the {Revision} branch of '{id}', but {string.Join(", ", others.Select(Path.GetFileName).Order())}. "
                    + "Give the directory of one of these."
                : $"'{id}' is not on this machine: there is no directory '{Path.GetFullPath(id)}' and no download in '{snapshots}'. "
                    + $"Download it (for example with 'hf download {id}'), or give the directory that holds config.json and the .safetensors files.");
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
            throw new CheckpointException("may not be read by the user that runs this process.", Path.GetFullPath(path), tensor: null, exception);
        }
        catch (IOException)
        {
            // It is not there.
        }
    }

    /// <summary>The commit that the main branch was at when it was downloaded; without that note, the only one that is there.</summary>
    private static string? Snapshot(string repository)
    {
        var reference = Path.Combine(repository, "refs", Revision);
        if (File.Exists(reference))
        {
            var commit = File.ReadAllText(reference).Trim();
            return commit.Length > 0 && commit.All(char.IsAsciiLetterOrDigit) ? commit : null;
        }

        var snapshots = Path.Combine(repository, "snapshots");
        return Directory.Exists(snapshots) && Directory.GetDirectories(snapshots) is [var only] ? Path.GetFileName(only) : null;
    }

    private static bool IsCheckpointFile(string path) =>
        path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)
        || path.EndsWith(".safetensors.index.json", StringComparison.OrdinalIgnoreCase)
        || string.Equals(Path.GetFileName(path), "config.json", StringComparison.OrdinalIgnoreCase);

    private static bool IsId(string text) =>
        text.Split('/') is [var owner, var name] && IsIdPart(owner) && IsIdPart(name);

    private static bool IsIdPart(string part) =>
        part.Length > 0 && part[0] != '.' && part.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
}
