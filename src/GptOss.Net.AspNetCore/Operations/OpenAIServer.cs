using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>What all endpoints of one server share.</summary>
internal sealed class OpenAIServer
{
    private readonly Lazy<IChatClient> _client;
    private readonly Lazy<IModelStatus> _status;

    public OpenAIServer(IServiceProvider services)
    {
        Options = services.GetRequiredService<IOptions<OpenAIServerOptions>>().Value;
        Time = services.GetService<TimeProvider>() ?? TimeProvider.System;
        Loggers = services.GetRequiredService<ILoggerFactory>();
        StartedAt = Time.GetUtcNow();
        _client = new(services.GetRequiredService<IChatClient>);
        _status = new(() => services.GetService<IModelStatus>() ?? new ClientModelStatus(Client));
        Admission = new Admission(Options);
        Drain = new Drain(services.GetRequiredService<IHostApplicationLifetime>(), Options.DrainTimeout, Time);
    }

    public OpenAIServerOptions Options { get; }

    public TimeProvider Time { get; }

    public ILoggerFactory Loggers { get; }

    public DateTimeOffset StartedAt { get; }

    public Admission Admission { get; }

    public Drain Drain { get; }

    public IChatClient Client => _client.Value;

    public IModelStatus Status => _status.Value;

    public string ModelId => Options.ModelId ?? Status.ModelId;

    /// <summary>Gets the model's tokenizer, where it is a local one.</summary>
    public HarmonyTokenizer? Tokenizer => Client.GetService<HarmonyTokenizer>();

    /// <summary>Throws unless the model was asked for by a name that it has.</summary>
    public void CheckModel(string? asked)
    {
        if (!IsModel(asked))
        {
            throw RequestError.NotFound($"The model '{asked}' does not exist; this server has '{ModelId}'.", "model_not_found", "model");
        }
    }

    public bool IsModel(string? asked) => asked is null || Options.AnswersToAnyName
        || string.Equals(asked, ModelId, StringComparison.OrdinalIgnoreCase) || Options.ModelAliases.Contains(asked);
}
