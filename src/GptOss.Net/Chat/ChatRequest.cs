using GptOss.Net.Engine.Telemetry;
using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>What a call of the chat client asks for, in the terms of the model.</summary>
internal sealed record ChatRequest
{
    /// <summary>Gets the conversation.</summary>
    public required IReadOnlyList<HarmonyMessage> Messages { get; init; }

    /// <summary>Gets how to choose tokens; without stop sequences, which end the answer alone.</summary>
    public required SamplingOptions Sampling { get; init; }

    /// <summary>Gets its place among other requests.</summary>
    public required GenerationOptions Generation { get; init; }

    /// <summary>Gets what ends the answer.</summary>
    public required IReadOnlyList<string> StopSequences { get; init; }

    /// <summary>Gets what the model may write.</summary>
    public required TurnGrammar Grammar { get; init; }

    /// <summary>Gets the functions.</summary>
    public required ToolCatalog Tools { get; init; }

    /// <summary>Gets after how many times of the same passage in succession a message ends.</summary>
    public int? RepetitionLimit { get; init; }

    /// <summary>Gets what of the schemas is not enforced, each with its function.</summary>
    public required IReadOnlyList<string> NotEnforced { get; init; }

    /// <summary>Gets a value indicating whether the caller wants the reasoning as content.</summary>
    public bool ShowsReasoning { get; init; }

    /// <exception cref="ArgumentException">A value is out of range.</exception>
    /// <exception cref="NotSupportedException">Something is asked for that this client does not do.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled while a schema was compiled.</exception>
    public static ChatRequest Create(
        IEnumerable<ChatMessage> messages, ChatOptions? options, IChatClient client, GptOssModel model, CancellationToken cancellationToken)
    {
        options ??= new ChatOptions();
        ChatOptionsMapper.RefuseUnsupported(options, model);
        var own = ChatOptionsMapper.RequestOptions(options, client);
        options = TypedAnswer.Apply(options, own);
        var sampling = ChatOptionsMapper.ToSamplingOptions(options, own);
        sampling.Validate(model.VocabularySize);
        var generation = new GenerationOptions
        {
            Priority = own.Priority,
            Timeout = own.Timeout,
            MaxUnreadTokens = own.MaxUnreadTokens,
            CacheSalt = own.CacheSalt,
            Operation = GenAIAttributes.Chat,
        };
        generation.Validate();

        var tools = new ToolCatalog(options.Tools, model.Schemas, cancellationToken);
        var answer = AnswerGrammar.Create(options, own, model.Schemas, cancellationToken);
        return new ChatRequest
        {
            Grammar = TurnGrammarMapper.Map(options, own, tools, answer),
            Messages = MapMessages(messages, options, own, tools, model),
            Sampling = sampling with { StopSequences = [] },
            Generation = generation,
            StopSequences = sampling.StopSequences,
            Tools = tools,
            NotEnforced = [.. tools.NotEnforced, .. answer?.NotEnforced ?? []],
            RepetitionLimit = own.RepetitionLimit,
            ShowsReasoning = options.Reasoning?.Output == ReasoningOutput.Full,
        };
    }

    /// <summary>The conversation alone.</summary>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    /// <exception cref="NotSupportedException">Something is asked for that this client does not do.</exception>
    public static IReadOnlyList<HarmonyMessage> MapMessages(
        IEnumerable<ChatMessage> messages, ChatOptions options, IChatClient client, GptOssModel model)
    {
        ChatOptionsMapper.RefuseUnsupported(options, model);
        var tools = new ToolCatalog(options.Tools, model.Schemas, CancellationToken.None);
        return MapMessages(messages, options, ChatOptionsMapper.RequestOptions(options, client), tools, model);
    }

    private static IReadOnlyList<HarmonyMessage> MapMessages(
        IEnumerable<ChatMessage> messages, ChatOptions options, GptOssRequestOptions own, ToolCatalog tools, GptOssModel model)
    {
        var system = new SystemContent
        {
            CurrentDate = own.CurrentDate ?? DateOnly.FromDateTime(model.TimeProvider.GetLocalNow().Date),
            ReasoningEffort = ChatOptionsMapper.ToReasoningEffort(options.Reasoning?.Effort),
        };
        return new ChatMessageMapper(tools, options, model.ReasoningSeal).Map(messages, system);
    }
}
