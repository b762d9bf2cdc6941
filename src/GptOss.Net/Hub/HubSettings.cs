namespace GptOss.Net.Hub;

/// <summary>Where the Hugging Face hub and its cache are; the variables are those that every Hugging Face tool reads.</summary>
/// <param name="Endpoint">The hub's address, ending in a slash.</param>
/// <param name="CacheDirectory">The folder that holds <c>models--owner--name</c>.</param>
/// <param name="Token">The user's access token, for gated repositories, or <see langword="null"/>.</param>
/// <param name="IsOffline">Whether the network must not be touched.</param>
internal sealed record HubSettings(Uri Endpoint, string CacheDirectory, string? Token, bool IsOffline)
{
    private const string DefaultEndpoint = "https://huggingface.co";

    /// <summary>Gets where Ollama keeps its models, which are used and never changed.</summary>
    public string OllamaDirectory { get; init; } =
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".ollama", "models");

    /// <summary>
    /// Gets where repacked weights are kept: beside the cache, where Hugging Face has a place for what other libraries make of models.
    /// </summary>
    public string? RepackCacheDirectory { get; init; }

    /// <summary>Gets how long one attempt may wait for the next bytes.</summary>
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Gets the first wait before an attempt is repeated; it doubles with each.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Reads <c>HF_ENDPOINT</c>, <c>HF_HUB_CACHE</c>, <c>HF_HOME</c>, <c>HF_TOKEN</c>, <c>HF_ASSETS_CACHE</c> and <c>HF_HUB_OFFLINE</c>;
    /// and Ollama's <c>OLLAMA_MODELS</c>.
    /// </summary>
    /// <param name="cacheDirectory">The cache that the caller asks for; <see langword="null"/> for the environment's.</param>
    /// <param name="variable">Gives an environment variable.</param>
    public static HubSettings Read(string? cacheDirectory, Func<string, string?> variable)
    {
        var home = Given(variable("HF_HOME"))
            ?? Path.Combine(
                Given(variable("XDG_CACHE_HOME"))
                    ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
                "huggingface");
        var settings = new HubSettings(
            ReadEndpoint(Given(variable("HF_ENDPOINT")) ?? DefaultEndpoint),
            cacheDirectory ?? Given(variable("HF_HUB_CACHE")) ?? Path.Combine(home, "hub"),
            Given(variable("HF_TOKEN")) ?? ReadToken(Given(variable("HF_TOKEN_PATH")) ?? Path.Combine(home, "token")),
            Given(variable("HF_HUB_OFFLINE"))?.ToUpperInvariant() is "1" or "TRUE" or "YES" or "ON")
        {
            RepackCacheDirectory = Path.Combine(
                Given(variable("HF_ASSETS_CACHE")) ?? Path.Combine(home, "assets"), "GptOss.Net", "repacked"),
        };
        return Given(variable("OLLAMA_MODELS")) is { } models ? settings with { OllamaDirectory = models } : settings;
    }

    private static string? Given(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();

    private static Uri ReadEndpoint(string text) =>
        Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out var address) && address.Scheme is "https" or "http"
            ? new Uri(text.TrimEnd('/') + "/")
            : throw new ModelDownloadException($"HF_ENDPOINT is '{text}'; expected an address such as {DefaultEndpoint}.");

    private static string? ReadToken(string path)
    {
        try
        {
            return File.Exists(path) ? Given(File.ReadAllText(path)) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
