using GptOss.Net.Hub;

namespace GptOss.Net;

// Whether a model's files are on this machine, and how they come here.
public sealed partial class GptOssModel
{
    /// <summary>
    /// Fetches a model to this machine, so that it can be loaded later without a network. What is there already is not fetched again.
    /// </summary>
    /// <param name="id">The id of a Hugging Face repository, such as <c>openai/gpt-oss-20b</c>; a path is returned as it is.</param>
    /// <param name="options">
    /// The revision and the cache; the defaults when <see langword="null"/>. To call this is to allow the download.
    /// </param>
    /// <param name="progress">Told how much was downloaded.</param>
    /// <param name="cancellationToken">Stops the download; what came is kept, and the next one goes on there.</param>
    /// <returns>The directory or file that <see cref="LoadAsync"/> reads.</returns>
    /// <exception cref="ModelDownloadException">It could not be downloaded.</exception>
    public static Task<string> DownloadAsync(
        string id,
        GptOssModelOptions? options = null,
        IProgress<LoadProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(id);
        options = (options ?? new GptOssModelOptions()) with { AllowDownload = true };
        options.Validate();
        var settings = HubSettings.Read(options.HuggingFaceCacheDirectory, Environment.GetEnvironmentVariable);
        return ModelSource.ResolveAsync(id, options, settings, progress, cancellationToken);
    }

    /// <summary>Whether a model can be loaded without a download; looks at paths and the Hugging Face cache only.</summary>
    /// <param name="pathOrId">A path or an id, as for <see cref="LoadAsync"/>.</param>
    /// <param name="options">The revision and the cache; the defaults when <see langword="null"/>.</param>
    /// <returns><see langword="false"/> for the id of a repository that is not, or not completely, on this machine.</returns>
    public static bool IsLocal(string pathOrId, GptOssModelOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(pathOrId);
        options ??= new GptOssModelOptions();
        return ModelSource.IsLocal(
            pathOrId, options, HubSettings.Read(options.HuggingFaceCacheDirectory, Environment.GetEnvironmentVariable));
    }
}
