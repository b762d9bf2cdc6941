using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>What all endpoints of one server share.</summary>
internal sealed class OpenAIServer : IDisposable
{
    private readonly Lazy<IChatClient> _client;
    private readonly Lazy<IModelStatus> _status;
    private readonly ITokenModel? _tokens;
    private GptOssTokenModel? _modelTokens;

    public OpenAIServer(IServiceProvider services)
    {
        Options = services.GetRequiredService<IOptions<OpenAIServerOptions>>().Value;
        Time = services.GetService<TimeProvider>() ?? TimeProvider.System;
        Loggers = services.GetRequiredService<ILoggerFactory>();
        StartedAt = Time.GetUtcNow();
        _client = new(services.GetRequiredService<IChatClient>);
        _status = new(() => services.GetService<IModelStatus>()
            ?? (services.GetService<HostedGptOssModel>() is { } host ? new HostedModelStatus(host) : new ClientModelStatus(Client)));
        _tokens = services.GetService<ITokenModel>();
        Responses = services.GetService<IResponseStore>() ?? new MemoryResponseStore(Options, Time);
        Reasoning = new ReasoningMemory(Options.MaxRememberedCalls);
        Admission = new Admission(Options, () => Status.Model?.Placement.MaxConcurrentSequences);
        Drain = new Drain(services.GetRequiredService<IHostApplicationLifetime>(), Options.DrainTimeout, Time);
    }

    public OpenAIServerOptions Options { get; }

    public TimeProvider Time { get; }

    public ILoggerFactory Loggers { get; }

    public DateTimeOffset StartedAt { get; }

    public Admission Admission { get; }

    public IResponseStore Responses { get; }

    public ReasoningMemory Reasoning { get; }

    public ServerMetrics Metrics { get; } = new();

    public CompactionSeal Compactions { get; } = new();

    public Drain Drain { get; }

    public IChatClient Client => _client.Value;

    public IModelStatus Status => _status.Value;

    public string ModelId => Options.ModelId ?? Status.ModelId;

    /// <summary>Gets the model's tokens, where it is a local one.</summary>
    public ITokenModel? TokensOrNull =>
        _tokens ?? (Status.Model is { } model ? _modelTokens ??= new GptOssTokenModel(model) : null);

    /// <summary>Gets the model's tokens, or refuses the request.</summary>
    public ITokenModel Tokens => TokensOrNull ?? throw RequestError.Invalid(
        null, "This server's model is not in its process, so that its tokens are not known here.", "unsupported_value");

    public HarmonyTokenizer? Tokenizer => TokensOrNull?.Tokenizer;

    /// <summary>Throws unless the model was asked for by a name that it has.</summary>
    public void CheckModel(string? asked)
    {
        if (!IsModel(asked))
        {
            throw RequestError.NotFound($"The model '{asked}' does not exist; this server has '{ModelId}'.", "model_not_found", "model");
        }
    }

    public void Dispose()
    {
        Drain.Dispose();
        Compactions.Dispose();
        Metrics.Dispose();
    }

    public bool IsModel(string? asked) => asked is null || Options.AnswersToAnyName
        || string.Equals(asked, ModelId, StringComparison.OrdinalIgnoreCase) || Options.ModelAliases.Contains(asked);
}
