using DemoModel;
using GptOss.Net;
using GptOss.Net.AspNetCore;
using Microsoft.Extensions.AI;

namespace Server;

/// <summary>Loads the model in the background, so that the server answers at once that it does.</summary>
internal sealed partial class LoadingModel(IConfiguration configuration, ILoggerFactory loggers)
    : BackgroundService, IModelStatus, IChatClient, IProgress<LoadProgress>
{
    private readonly ILogger _logger = loggers.CreateLogger<LoadingModel>();
    private readonly string? _path = configuration["model"];
    private IChatClient? _client;

    public string ModelId => Model?.Name ?? (_path is null ? "gpt-oss-nano" : Path.GetFileName(Path.TrimEndingDirectorySeparator(_path)));

    public ModelState State { get; private set; } = ModelState.Loading;

    public LoadProgress? Progress { get; private set; }

    public string? Failure { get; private set; }

    public GptOssModel? Model { get; private set; }

    private IChatClient Client => _client ?? throw new InvalidOperationException("The model is not loaded yet.");

    public void Report(LoadProgress value) => Progress = value;

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        Client.GetResponseAsync(messages, options, cancellationToken);

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        Client.GetStreamingResponseAsync(messages, options, cancellationToken);

    public object? GetService(Type serviceType, object? serviceKey = null) => _client?.GetService(serviceType, serviceKey);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (Model is { } model)
        {
            await model.DisposeAsync();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var directory = _path ?? await DemoCheckpoint.ExtractAsync(cancellationToken: stoppingToken);

            // The demonstration model is so small that nothing need be rounded.
            var options = new GptOssModelOptions
            {
                Name = ModelId,
                Precision = _path is null ? Precision.Float32 : Precision.Default,
                LoggerFactory = loggers,
            };
            Model = await GptOssModel.LoadAsync(directory, options, this, stoppingToken);
            _client = Model.AsIChatClient();
            State = ModelState.Ready;
        }
        catch (Exception exception) when (exception is GptOssException or ArgumentException or IOException)
        {
            Failure = exception.Message;
            State = ModelState.Failed;
            LogFailed(exception);
        }
    }

    [LoggerMessage(LogLevel.Error, "The model cannot be loaded.")]
    private partial void LogFailed(Exception exception);
}
