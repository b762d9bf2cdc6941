using GptOss.Net.Checkpoint.Gguf;

namespace GptOss.Net.Hub;

/// <summary>Brings the files of a model that loading needs into the cache.</summary>
internal sealed class ModelDownload(HubClient client, HubSettings settings, string id, string revision)
{
    private const string Index = ".safetensors.index.json";
    private const double SpaceReserve = 1.02; // a disk that is full to the last byte fails elsewhere

    private readonly RepositoryCache _cache = new(settings.CacheDirectory, id);

    /// <summary>
    /// Fetches what is missing. The branch's reference is written last: until then, the snapshot is not found by its name.
    /// </summary>
    /// <param name="report">Told how many bytes and files are there, of how many.</param>
    /// <param name="cancellationToken">Stops; what came is kept.</param>
    /// <returns>The snapshot's directory.</returns>
    /// <exception cref="ModelDownloadException">It could not be fetched.</exception>
    public async Task<string> RunAsync(Action<LoadProgress> report, CancellationToken cancellationToken)
    {
        try
        {
            var listed = await client.ListAsync(id, revision, cancellationToken).ConfigureAwait(false);
            var snapshot = listed with { Files = Needed(listed.Files) };
            CheckSpace(snapshot);
            var progress = new LoadProgress(0, snapshot.Length) { Stage = LoadStage.Downloading, TotalFiles = snapshot.Files.Count };
            report(progress);
            foreach (var file in snapshot.Files)
            {
                void Add(long bytes) => report(progress = progress with { ReadBytes = progress.ReadBytes + bytes });
                await new FileDownload(client, _cache, id, snapshot.Commit, file).RunAsync(Add, cancellationToken).ConfigureAwait(false);
                report(progress = progress with { FinishedFiles = progress.FinishedFiles + 1 });
            }

            _cache.WriteReference(revision, snapshot.Commit);
            return _cache.Snapshot(snapshot.Commit);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelDownloadException(
                $"'{id}' cannot be written to '{settings.CacheDirectory}': "
                + $"{exception.Message} Name another folder by HuggingFaceCacheDirectory or HF_HUB_CACHE.",
                exception);
        }
    }

    /// <summary>config.json and the weights beside it: not the copies for other programs in <c>metal/</c> and <c>original/</c>.</summary>
    private List<HubFile> Needed(IReadOnlyList<HubFile> files)
    {
        var top = files.Where(file => !file.Path.Contains('/', StringComparison.Ordinal)).ToList();
        var needed = top.Where(file => file.Path is "config.json" || file.Path.EndsWith(Index, StringComparison.Ordinal)).ToList();
        var isSingle = top.Any(file => file.Path is "model.safetensors");
        needed.AddRange(
            top.Where(file => isSingle ? file.Path is "model.safetensors" : file.Path.EndsWith(".safetensors", StringComparison.Ordinal)));
        if (needed.Any(file => file.Path is "config.json")
            && needed.Any(file => file.Path.EndsWith(".safetensors", StringComparison.Ordinal)))
        {
            return needed;
        }

        return GgufModel(top) is { Count: > 0 } model
            ? model
            : throw new ModelDownloadException(
                $"'{id}' has no config.json with safetensors weights at its top, "
                + $"but {string.Join(", ", files.Select(file => file.Path).Take(8))}. Is it a gpt-oss checkpoint?");
    }

    /// <summary>The one GGUF model of a repository, with all its parts.</summary>
    private List<HubFile> GgufModel(List<HubFile> files)
    {
        var models = files.Where(file => file.Path.EndsWith(GgufCheckpoint.Extension, StringComparison.Ordinal))
            .GroupBy(file => GgufCheckpoint.NameOf(file.Path), StringComparer.Ordinal)
            .ToList();
        return models.Count <= 1
            ? [.. models.SelectMany(model => model)]
            : throw new ModelDownloadException(
                $"'{id}' has several GGUF models: {string.Join(", ", models.Select(model => model.Key).Take(8))}. "
                + "Download the one you want and give its path.");
    }

    private void CheckSpace(HubSnapshot snapshot)
    {
        var missing = (long)(SpaceReserve * snapshot.Files.Sum(file => file.Length - Present(file, snapshot.Commit)));
        if (_cache.FreeBytes() is { } free && free < missing)
        {
            throw new ModelDownloadException(
                $"'{id}' needs {missing:N0} more bytes in '{settings.CacheDirectory}', which has {free:N0} free. "
                + "Make room, or name a folder on another disk by HuggingFaceCacheDirectory or HF_HUB_CACHE.");
        }
    }

    private long Present(HubFile file, string commit)
    {
        var found = new[] { _cache.Blob(file), _cache.FilePath(commit, file), _cache.Incomplete(file) }.Select(path => new FileInfo(path))
            .FirstOrDefault(info => info.Exists);
        return Math.Min(found?.Length ?? 0, file.Length);
    }
}
