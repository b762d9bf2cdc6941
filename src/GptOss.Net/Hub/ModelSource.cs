using GptOss.Net.Checkpoint;

namespace GptOss.Net.Hub;

/// <summary>Where a model is: on this machine, or, if that is allowed, fetched to it first.</summary>
internal static class ModelSource
{
    /// <summary>Gets the directory or file of a model.</summary>
    /// <param name="pathOrId">A path, the id of a Hugging Face repository, or the name of an Ollama model.</param>
    /// <param name="options">Whether it may be downloaded, and where to.</param>
    /// <param name="settings">The hub and its cache.</param>
    /// <param name="progress">Told how much was downloaded.</param>
    /// <param name="cancellationToken">Stops a download; what came is kept.</param>
    /// <exception cref="CheckpointException">It is not on this machine, and may not be downloaded.</exception>
    /// <exception cref="ModelDownloadException">It could not be downloaded.</exception>
    public static async Task<string> ResolveAsync(
        string pathOrId, GptOssModelOptions options, HubSettings settings, IProgress<LoadProgress>? progress,
        CancellationToken cancellationToken)
    {
        if (OllamaLibrary.Recognizes(pathOrId))
        {
            return OllamaLibrary.Locate(pathOrId, settings.OllamaDirectory);
        }

        if (!options.AllowDownload || settings.IsOffline || IsLocal(pathOrId, options, settings))
        {
            return CheckpointLocator.Locate(pathOrId, settings.CacheDirectory, options.Revision);
        }

        using var client = new HubClient(settings, options.TimeProvider);
        return await new ModelDownload(client, settings, pathOrId, options.Revision)
            .RunAsync(load => progress?.Report(load), cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Whether a model needs no download: any path, and an id all of whose files are in the cache.</summary>
    public static bool IsLocal(string pathOrId, GptOssModelOptions options, HubSettings settings) =>
        Path.Exists(pathOrId)
        || !CheckpointLocator.IsId(pathOrId)
        || (CheckpointLocator.FindSnapshot(pathOrId, settings.CacheDirectory, options.Revision) is { } snapshot && IsComplete(snapshot));

    private static bool IsComplete(string directory)
    {
        if (!SafetensorsCheckpoint.IsIn(directory) && Directory.EnumerateFiles(directory, "*.gguf").Any())
        {
            return true;
        }

        var index = Path.Combine(directory, "model.safetensors.index.json");
        return File.Exists(Path.Combine(directory, "config.json"))
            && (File.Exists(Path.Combine(directory, "model.safetensors"))
                || (File.Exists(index) && ShardIndex.Read(index).Shards.All(shard => File.Exists(Path.Combine(directory, shard)))));
    }
}
