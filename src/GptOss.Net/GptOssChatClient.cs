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
/// <see cref="ChatOptions.Tools"/> the model is told functions; others, which a service would run itself, are ignored with a warning in the
/// log. <see cref="ChatOptions.Instructions"/> and system messages at the beginning become the developer message of the harmony format; a
/// system message further on is a developer message where it stands.
/// <see cref="ChatOptions.StopSequences"/> end the answer, not the reasoning. The reasoning is returned as
/// <see cref="TextReasoningContent"/> when <see cref="ReasoningOptions.Output"/> is <see cref="ReasoningOutput.Full"/>; before a call it
/// is there without its text otherwise, as protected data, because the model needs it again with the result.</para>
/// <para>Of contents the model is told text, also <see cref="DataContent"/> that is text, and errors. A picture, a file, or what a service
/// did by itself is replaced by a short remark; only in a user or system message that no assistant message follows it is a
/// <see cref="NotSupportedException"/>. The name of a user message's author is told. Half a surrogate pair is U+FFFD.</para>
/// <para>What the model may write is enforced while it writes: every turn is well-formed, arguments of calls and answers in JSON match
/// their schema. A response has at most one call. A turn that is cut off has <see cref="ChatFinishReason.Length"/> and no call.</para>
/// </remarks>
public sealed class GptOssChatClient : IChatClient
{
    /// <summary>
    /// The key under which <see cref="ChatResponse.AdditionalProperties"/> holds what of the schemas of tools and of the answer is not
    /// enforced: a <see cref="string"/> array, each with the function's name, the place in its schema and the reason. Not there when
    /// everything is enforced.
    /// </summary>
    public const string NotEnforced = "gptoss.not_enforced";

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
        _metadata = CreateMetadata(model.Name);
    }

    /// <summary>Gets why a response ended that repeated itself: see <see cref="GptOssRequestOptions.RepetitionLimit"/>.</summary>
    public static ChatFinishReason RepetitionFinishReason { get; } = new("repetition");

    /// <inheritdoc/>
    /// <remarks>
    /// All exceptions are in the task. The response's raw representation is the list of all sampled <see cref="GeneratedToken"/>.
    /// </remarks>
    /// <exception cref="ArgumentException">A message or an option is out of range.</exception>
    /// <exception cref="ContextLengthExceededException">The conversation has more tokens than fit.</exception>
    /// <exception cref="NotSupportedException">A message or an option asks for what this client does not do.</exception>
    /// <exception cref="GptOssException">The generation failed.</exception>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var tokens = new List<GeneratedToken>();
        var response = await Recorded().ToChatResponseAsync(cancellationToken).ConfigureAwait(false);
        response.RawRepresentation = tokens;
        return response;

        async IAsyncEnumerable<ChatResponseUpdate> Recorded()
        {
            await foreach (var update in GetStreamingResponseAsync(messages, options, cancellationToken).ConfigureAwait(false))
            {
                tokens.AddRange((IReadOnlyList<GeneratedToken>)update.RawRepresentation!);
                yield return update;
            }
        }
    }

    /// <summary>
    /// Counts the tokens of the prompt that a conversation becomes, as <see cref="UsageDetails.InputTokenCount"/> will have them.
    /// </summary>
    /// <param name="messages">The conversation; enumerated once.</param>
    /// <param name="options">Instructions, tools and format belong to the prompt.</param>
    /// <param name="cancellationToken">Stops counting, also within one long text.</param>
    /// <returns>
    /// The tokens, however many fit; <see cref="GptOssModel.MaxModelLength"/> is the limit of prompt and answer together.
    /// </returns>
    /// <exception cref="ArgumentException">A message or an option is out of range.</exception>
    /// <exception cref="NotSupportedException">A message or an option asks for what this client does not do.</exception>
    public async Task<int> CountTokensAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        (await EncodeAsync(messages, options, cancellationToken).ConfigureAwait(false)).Length;

    /// <summary>Returns the tokens of the prompt that a conversation becomes.</summary>
    /// <param name="messages">The conversation; enumerated once.</param>
    /// <param name="options">Instructions, tools and format belong to the prompt.</param>
    /// <param name="cancellationToken">Stops encoding, also within one long text.</param>
    /// <returns>The tokens up to where the model begins to write; they may be more than fit.</returns>
    /// <exception cref="ArgumentException">A message or an option is out of range.</exception>
    /// <exception cref="NotSupportedException">A message or an option asks for what this client does not do.</exception>
    public async Task<int[]> EncodeAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var prompt = _renderer.WriteForCompletion(ChatRequest.MapMessages(messages, options ?? new ChatOptions(), this, _model));
        return await Task.Run(() => prompt.ToArray(cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// An update's raw representation is a list of <see cref="GeneratedToken"/>: what was sampled since the update before, with headers
    /// and what is not shown. The tokens of a text are those behind the last <see cref="ControlToken.Message"/>, but for control tokens.
    /// </remarks>
    /// <exception cref="ArgumentException">A message or an option is out of range.</exception>
    /// <exception cref="ContextLengthExceededException">
    /// The conversation has more tokens than fit; thrown when the first update is asked for.
    /// </exception>
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
            _logger.ToolIgnored(tool);
        }

        foreach (var omission in _model.Schemas.TakeUnreported(request.NotEnforced))
        {
            _logger.NotEnforced(omission);
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

    // Telemetry reports host and port as numbers; there is no port.
    internal static ChatClientMetadata CreateMetadata(string modelName) =>
        new(GenAIAttributes.Provider, new Uri("inproc://gpt-oss.local:0/"), modelName);

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        ChatRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var prompt = Encode(request.Messages, cancellationToken);
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

    private int[] Encode(IReadOnlyList<HarmonyMessage> messages, CancellationToken cancellationToken)
    {
        var prompt = _renderer.WriteForCompletion(messages);
        var (least, most) = (prompt.LeastCount, _model.MaxPromptLength);
        return least <= most
            ? prompt.ToArray(cancellationToken)
            : throw new ContextLengthExceededException(least, most, nameof(messages), isExact: false);
    }
}
