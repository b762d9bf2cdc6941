using System.Runtime.CompilerServices;
using GptOss.Net.Chat;
using GptOss.Net.Engine.Telemetry;
using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace GptOss.Net;

/// <summary>A gpt-oss model that runs in this process, as a chat client.</summary>
/// <remarks>
/// <para>Safe for concurrent use; requests are computed together. Messages and options are never changed. The client does not own
/// the model: disposing it does nothing.</para>
/// <para>Every <see cref="ChatOptions"/> property is honoured or refused with an exception that names it, except
/// <see cref="ChatOptions.AdditionalProperties"/> and <see cref="ChatOptions.AllowBackgroundResponses"/>, which are ignored. Of
/// <see cref="ChatOptions.Tools"/> the model is told functions; others, which a service would run itself, are ignored with a warning in the log.
/// System messages and <see cref="ChatOptions.Instructions"/> become the developer message of the harmony format.
/// <see cref="ChatOptions.StopSequences"/> end the answer, not the reasoning. The reasoning is returned as
/// <see cref="TextReasoningContent"/> when <see cref="ReasoningOptions.Output"/> is <see cref="ReasoningOutput.Full"/>; before a call it
/// is there without its text otherwise, as protected data, because the model needs it again with the result.</para>
/// <para>What the model may write is enforced while it writes: every turn is well-formed, arguments of calls and answers in JSON match
/// their schema. A response has at most one call. A turn that is cut off has <see cref="ChatFinishReason.Length"/> and no call.</para>
/// </remarks>
public sealed partial class GptOssChatClient : IChatClient
{
    private readonly GptOssModel _model;
    private readonly HarmonyRenderer _renderer;
    private readonly ChatClientMetadata _metadata;
    private readonly ILogger _logger;

    /// <summary>Initializes a client of a loaded model.</summary>
    /// <param name="model">The model; it stays the caller's.</param>
    public GptOssChatClient(GptOssModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _renderer = new HarmonyRenderer(model.Tokenizer);
        _logger = model.LoggerFactory.CreateLogger<GptOssChatClient>();
        _metadata = new ChatClientMetadata(GenAIAttributes.Provider, new Uri("inproc://gpt-oss.local/"), model.Name);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A message or an option is out of range.</exception>
    /// <exception cref="NotSupportedException">A message or an option asks for what this client does not do.</exception>
    /// <exception cref="GptOssException">The generation failed.</exception>
    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        try
        {
            return GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // While a schema was compiled.
            return Task.FromCanceled<ChatResponse>(cancellationToken);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A message or an option is out of range.</exception>
    /// <exception cref="NotSupportedException">A message or an option asks for what this client does not do.</exception>
    /// <exception cref="GptOssException">The generation failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; thrown by this call itself while a schema is compiled.</exception>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);

        // Mapped here, not in the iterator, so that a mistake shows at the call.
        var request = ChatRequest.Create(messages, options, this, _model, cancellationToken);
        foreach (var tool in request.Tools.Ignored)
        {
            LogIgnored(tool);
        }

        return StreamAsync(request, cancellationToken);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? _metadata
            : serviceType == typeof(GptOssModel) ? _model
            : serviceType == typeof(HarmonyTokenizer) ? _model.Tokenizer
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>Does nothing: the model belongs to whoever loaded it.</summary>
    public void Dispose()
    {
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        ChatRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var prompt = _renderer.RenderForCompletion(request.Messages);
        var updates = new ChatUpdateMapper(_model, request, prompt.Length);
        var constraint = new HarmonyConstraint(request.Grammar, _model.Masks, _model.Tokenizer);
        await foreach (var token in _model
            .GenerateAsync(prompt, request.Sampling, request.Generation, constraint, cancellationToken).ConfigureAwait(false))
        {
            foreach (var update in updates.Append(token))
            {
                yield return update;
            }

            if (updates.IsStopped)
            {
                break;
            }
        }

        foreach (var update in updates.Finish())
        {
            yield return update;
        }
    }

    [LoggerMessage(LogLevel.Warning, "A {Tool} is ignored: the model can call functions only.")]
    private partial void LogIgnored(string tool);
}
