using GptOss.Net.Chat;
using GptOss.Net.Checkpoint;
using GptOss.Net.Engine;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace GptOss.Net;

/// <summary>A model that an application's services hold: loaded in the background when the host starts, freed with the services.</summary>
/// <remarks>
/// <see cref="GptOssServiceCollectionExtensions.AddGptOss"/> registers it. Without a host it is loaded by the first request. What failed to
/// load stays failed: every request throws what loading threw. Thread-safe.
/// </remarks>
public sealed class HostedGptOssModel : IHostedService, IAsyncDisposable, IDisposable
{
    private readonly CancellationTokenSource _disposal = new();
    private readonly Lazy<Task<GptOssModel>> _loading;
    private readonly ILogger _logger;
    private readonly Lock _progressLock = new();
    private LoadProgress _progress;

    internal HostedGptOssModel(string pathOrId, GptOssModelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Name = options.Name ?? ModelName.Of(pathOrId);
        _logger = options.LoggerFactory.CreateLogger<HostedGptOssModel>();
        _loading = new(() => OwnThread.Run("GptOss.Net hosting", () => Load(pathOrId, options)));
        ChatClient = new HostedChatClient(this);
    }

    /// <summary>Gets what the model is called.</summary>
    public string Name { get; }

    /// <summary>Gets a chat client whose requests wait until the model is loaded. Disposing it does nothing.</summary>
    public IChatClient ChatClient { get; }

    /// <summary>Gets a value indicating whether the model is loaded and serves requests: what a readiness probe asks for.</summary>
    public bool IsReady => LoadedModel is { Health: ModelHealth.Ready };

    /// <summary>Gets how far loading has come.</summary>
    public LoadProgress Progress
    {
        get
        {
            lock (_progressLock)
            {
                return _progress;
            }
        }
    }

    /// <summary>Gets why loading failed, or <see langword="null"/> if it has not.</summary>
    public Exception? Failure => _loading.IsValueCreated ? _loading.Value.Exception?.InnerException : null;

    /// <summary>Gets the model if it is loaded.</summary>
    internal GptOssModel? LoadedModel =>
        _loading is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } loaded } ? loaded.Result : null;

    /// <summary>Waits until the model is loaded; begins to load it if nobody did.</summary>
    /// <param name="cancellationToken">Ends the waiting, not the loading.</param>
    /// <returns>The model; it belongs to this object.</returns>
    /// <exception cref="ObjectDisposedException">The services were disposed.</exception>
    /// <exception cref="GptOssException">Loading failed.</exception>
    public Task<GptOssModel> GetModelAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposal.IsCancellationRequested, this);
        return _loading.Value.WaitAsync(cancellationToken);
    }

    /// <summary>Begins to load the model and does not wait for it.</summary>
    /// <param name="cancellationToken">Not needed.</param>
    /// <returns>A completed task.</returns>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = GetModelAsync(CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <summary>Does nothing: requests may still run until the services are disposed.</summary>
    /// <param name="cancellationToken">Not needed.</param>
    /// <returns>A completed task.</returns>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Frees the model, or stops loading it.</summary>
    /// <returns>A task that completes when it is freed.</returns>
    public async ValueTask DisposeAsync()
    {
        await _disposal.CancelAsync().ConfigureAwait(false);
        if (!_loading.IsValueCreated)
        {
            return;
        }

        await ((Task)_loading.Value).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (LoadedModel is { } model)
        {
            await model.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <inheritdoc cref="DisposeAsync"/>
    /// <remarks>Blocks until it is freed, without help of the thread pool.</remarks>
    public void Dispose()
    {
        _disposal.Cancel();
        if (_loading.IsValueCreated)
        {
            _ = Task.WhenAny(_loading.Value).GetAwaiter().GetResult(); // whether it failed or not
            LoadedModel?.Dispose();
        }
    }

    private GptOssModel Load(string pathOrId, GptOssModelOptions options)
    {
        try
        {
            return GptOssModel.LoadAsync(pathOrId, options, new ProgressSink(this), _disposal.Token).GetAwaiter().GetResult();
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            _logger.ModelNotLoaded(exception, Name);
            throw;
        }
    }

    // Progress<T> would report later, on other threads.
    private sealed class ProgressSink(HostedGptOssModel model) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value)
        {
            lock (model._progressLock)
            {
                model._progress = value;
            }
        }
    }
}
