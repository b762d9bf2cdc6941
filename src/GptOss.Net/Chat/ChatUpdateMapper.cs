using GptOss.Net.Harmony;
using GptOss.Net.Sampling;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>From generated tokens to the updates of one response. Used by one reader, once.</summary>
internal sealed class ChatUpdateMapper
{
    private readonly GptOssModel _model;
    private readonly ChatRequest _request;
    private readonly HarmonyStreamParser _parser;
    private readonly StopSequenceMatcher _stop;
    private readonly FunctionCallReader _call;
    private readonly RepetitionMatcher _repetition;
    private readonly List<int> _thought = []; // the tokens of the present one
    private readonly List<string> _hiddenThoughts = []; // sealed
    private List<GeneratedToken> _tokens = []; // since the last update
    private readonly string _responseId = "resp_" + Guid.NewGuid().ToString("N");
    private readonly DateTimeOffset _createdAt;
    private readonly int _inputTokens;
    private string _messageId = NewMessageId();
    private int _cachedTokens;
    private int _outputTokens;
    private int _reasoningTokens;
    private bool _isRepeating;
    private ChatFinishReason _finishReason = ChatFinishReason.Stop;

    public ChatUpdateMapper(GptOssModel model, ChatRequest request, int inputTokens)
    {
        (_model, _request, _inputTokens) = (model, request, inputTokens);
        _parser = new HarmonyStreamParser(model.Tokenizer);
        _stop = new StopSequenceMatcher(request.StopSequences);
        _call = new FunctionCallReader(request.Tools);
        _repetition = new RepetitionMatcher(request.RepetitionLimit);
        _createdAt = model.TimeProvider.GetUtcNow();
    }

    /// <summary>
    /// Gets a value indicating whether a stop sequence or repetition has ended the answer, although the model would go on.
    /// </summary>
    public bool IsStopped => _stop.IsStopped || _isRepeating;

    public IEnumerable<ChatResponseUpdate> Append(GeneratedToken token)
    {
        _outputTokens++;
        _tokens.Add(token);
        _cachedTokens = token.CachedPromptTokens;
        if (token.FinishReason == FinishReason.Length)
        {
            _finishReason = ChatFinishReason.Length;
        }

        var events = _parser.Append(token.Id);
        if (_parser.CurrentHeader is { Channel: HarmonyChannel.Analysis, Recipient: null } && !ControlToken.IsControl(token.Id))
        {
            _reasoningTokens++;
            _thought.Add(token.Id);
        }

        if (ControlToken.IsControl(token.Id))
        {
            _repetition.Begin();
        }
        else
        {
            _isRepeating = _repetition.Append(token.Id) && token.FinishReason is null;
        }

        return Map(events);
    }

    /// <summary>The last updates: what was withheld, then the usage and why the response ended.</summary>
    public IEnumerable<ChatResponseUpdate> Finish()
    {
        foreach (var update in Map(_parser.Finish()))
        {
            yield return update;
        }

        if (_request.NotEnforced.Count > 0)
        {
            // Of no message, so that it is the response's.
            yield return new ChatResponseUpdate
            {
                ResponseId = _responseId,
                AdditionalProperties = new() { [GptOssChatClient.NotEnforced] = _request.NotEnforced.ToArray() },
                RawRepresentation = new List<GeneratedToken>(),
            };
        }

        var last = Update(new UsageContent(Usage()), TakeTokens());
        last.FinishReason = _stop.IsStopped
            ? ChatFinishReason.Stop
            : _isRepeating ? GptOssChatClient.RepetitionFinishReason : _finishReason;
        yield return last;
    }

    private IEnumerable<ChatResponseUpdate> Map(IReadOnlyList<HarmonyStreamEvent> events)
    {
        foreach (var found in events)
        {
            // What a token becomes at once goes with the last of it: a call or a text, behind hidden thoughts.
            AIContent[] contents = [.. Map(found)];
            for (var i = 0; i < contents.Length; i++)
            {
                yield return Update(contents[i], i == contents.Length - 1 ? TakeTokens() : []);
            }

            if (found.Kind == HarmonyStreamEventKind.MessageEnded && IsPreamble(found.Header))
            {
                // A preamble is a message of its own, so that the last message is the answer alone.
                _messageId = NewMessageId();
            }
        }
    }

    private IEnumerable<AIContent> Map(HarmonyStreamEvent found) => found switch
    {
        { Header.Recipient: { } recipient } when IsTool(recipient) => MapCall(found, recipient),
        { Header.Channel: HarmonyChannel.Analysis } => MapThought(found),
        { Header.Channel: HarmonyChannel.Commentary, Text.Length: > 0 } => [.. TakeHiddenThoughts(), new TextContent(found.Text)],
        { Header.Channel: HarmonyChannel.Commentary } => [],
        { Kind: HarmonyStreamEventKind.TextDelta } => Text(_stop.Append(found.Text)),
        { Kind: HarmonyStreamEventKind.MessageEnded } when !_stop.IsStopped => Text(_stop.Flush()),
        _ => [],
    };

    private IEnumerable<AIContent> MapThought(HarmonyStreamEvent found)
    {
        if (_request.ShowsReasoning && found.Text.Length > 0)
        {
            yield return new TextReasoningContent(found.Text);
        }

        if (found.Kind == HarmonyStreamEventKind.MessageEnded && _thought.Count > 0)
        {
            var sealedThought = _model.ReasoningSeal.Seal(_thought);
            _thought.Clear();
            if (_request.ShowsReasoning)
            {
                yield return new TextReasoningContent("") { ProtectedData = sealedThought };
            }
            else
            {
                _hiddenThoughts.Add(sealedThought);
            }
        }
    }

    /// <summary>A call comes whole, behind the thoughts that led to it: the model needs them once it has the result.</summary>
    private IEnumerable<AIContent> MapCall(HarmonyStreamEvent found, string recipient)
    {
        if (found.Kind == HarmonyStreamEventKind.MessageStarted)
        {
            _call.Begin();
        }

        _call.Append(found.Text);
        if (found.Ending != MessageEnding.Call || _call.Take(recipient) is not { } call)
        {
            return [];
        }

        _finishReason = ChatFinishReason.ToolCalls;
        return [.. TakeHiddenThoughts(), call];
    }

    /// <summary>The thoughts so far, without their text, where they stand: before what they led to.</summary>
    private TextReasoningContent[] TakeHiddenThoughts()
    {
        TextReasoningContent[] thoughts = [.. _hiddenThoughts.Select(thought => new TextReasoningContent("") { ProtectedData = thought })];
        _hiddenThoughts.Clear();
        return thoughts;
    }

    private ChatResponseUpdate Update(AIContent content, List<GeneratedToken> tokens) => new(ChatRole.Assistant, [content])
    {
        MessageId = _messageId,
        ResponseId = _responseId,
        ModelId = _model.Name,
        CreatedAt = _createdAt,
        RawRepresentation = tokens,
    };

    private List<GeneratedToken> TakeTokens()
    {
        var tokens = _tokens;
        _tokens = [];
        return tokens;
    }

    private UsageDetails Usage() => new()
    {
        InputTokenCount = _inputTokens,
        CachedInputTokenCount = _cachedTokens,
        OutputTokenCount = _outputTokens,
        ReasoningTokenCount = _reasoningTokens,
        TotalTokenCount = _inputTokens + _outputTokens,
    };

    private static AIContent[] Text(string text) => text.Length > 0 ? [new TextContent(text)] : [];

    private static bool IsPreamble(MessageHeader header) =>
        string.Equals(header.Channel, HarmonyChannel.Commentary, StringComparison.Ordinal) && header.Recipient is null;

    private static bool IsTool(string recipient) => recipient is not ("assistant" or "user" or "all");

    private static string NewMessageId() => "msg_" + Guid.NewGuid().ToString("N");
}
