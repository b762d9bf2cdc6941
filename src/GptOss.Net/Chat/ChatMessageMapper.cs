using System.Text;
using System.Text.Json;
using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>From chat messages to the messages of the harmony format. Used once.</summary>
internal sealed class ChatMessageMapper(ToolCatalog tools, ChatOptions options)
{
    private readonly List<HarmonyMessage> _messages = [];
    private readonly List<string> _instructions = string.IsNullOrWhiteSpace(options.Instructions) ? [] : [options.Instructions];

    // Calls that wait for their results: the format wants call, result, call, result.
    private readonly List<FunctionCallContent> _calls = [];

    // Which message is the answer of the assistant's turn, as far as it is known.
    private int? _answer;

    /// <summary>Maps the conversation; <paramref name="messages"/> is enumerated once.</summary>
    public IReadOnlyList<HarmonyMessage> Map(IEnumerable<ChatMessage> messages, SystemContent system)
    {
        foreach (var message in messages)
        {
            ArgumentNullException.ThrowIfNull(message, nameof(messages));
            Add(message);
        }

        AddPendingCalls();
        List<HarmonyMessage> all = [HarmonyMessage.FromSystem(system)];
        var developer = new DeveloperContent
        {
            Instructions = _instructions.Count > 0 ? string.Join("\n\n", _instructions) : null,
            ToolNamespaces = tools.Describe(),
            ResponseFormat = ChatOptionsMapper.ToResponseFormat(options),
        };
        if (developer is not { Instructions: null, ToolNamespaces.Count: 0, ResponseFormat: null })
        {
            all.Add(HarmonyMessage.FromDeveloper(developer));
        }

        return [.. all, .. _messages];
    }

    private void Add(ChatMessage message)
    {
        switch (message.Role.Value.ToLowerInvariant())
        {
            case "system" or "developer":
                if (TextOf(message.Contents) is { Length: > 0 } text)
                {
                    _instructions.Add(text);
                }

                break;
            case "user":
                AddPendingCalls();
                _answer = null;
                _messages.Add(HarmonyMessage.FromUser(TextOf(message.Contents)));
                break;
            case "assistant":
                AddPendingCalls();
                AddAssistant(message.Contents);
                break;
            case "tool":
                AddResults(message.Contents);
                break;
            default:
                throw new ArgumentException($"Messages of the role '{message.Role}' are unknown; use system, user, assistant or tool.");
        }
    }

    private void AddAssistant(IList<AIContent> contents)
    {
        var text = new StringBuilder();
        foreach (var content in contents)
        {
            switch (content)
            {
                case TextReasoningContent reasoning:
                    AddAnswer(text);
                    AddThought(reasoning);
                    break;
                case TextContent part:
                    text.Append(part.Text);
                    break;
                case FunctionCallContent call:
                    _calls.Add(call);
                    break;
                default:
                    RefuseMedia(content);
                    break;
            }
        }

        AddAnswer(text);
        if (_calls.Count > 0)
        {
            AnswerWasPreamble();
        }
    }

    private void AddThought(TextReasoningContent reasoning)
    {
        HarmonyContent? content = ReasoningSeal.Open(reasoning.ProtectedData) is { } tokens ? new HarmonyTokens(tokens)
            : reasoning.Text.Length > 0 ? new HarmonyText(reasoning.Text)
            : null;
        if (content is not null)
        {
            _messages.Add(new HarmonyMessage { Role = HarmonyRole.Assistant, Channel = HarmonyChannel.Analysis, Content = [content] });
        }
    }

    private void AddAnswer(StringBuilder text)
    {
        if (text.Length > 0)
        {
            AnswerWasPreamble();
            _answer = _messages.Count;
            _messages.Add(HarmonyMessage.FromAssistant(text.ToString(), HarmonyChannel.Final));
            text.Clear();
        }
    }

    /// <summary>What is said before a call or before the answer is a preamble, also in a message of its own.</summary>
    private void AnswerWasPreamble()
    {
        if (_answer is { } index)
        {
            _messages[index] = HarmonyMessage.FromAssistant(_messages[index].Text, HarmonyChannel.Commentary);
            _answer = null;
        }
    }

    private void AddResults(IList<AIContent> contents)
    {
        foreach (var result in contents.OfType<FunctionResultContent>())
        {
            var index = _calls.FindIndex(call => string.Equals(call.CallId, result.CallId, StringComparison.Ordinal));
            if (index < 0)
            {
                throw new ArgumentException($"A tool message answers the call '{result.CallId}', but no message before it makes that call.");
            }

            AddCall(_calls[index]);
            _messages.Add(HarmonyMessage.FromTool(tools.RecipientOf(_calls[index].Name), ResultText(result.Result)));
            _calls.RemoveAt(index);
        }
    }

    private void AddPendingCalls()
    {
        _calls.ForEach(AddCall);
        _calls.Clear();
    }

    private void AddCall(FunctionCallContent call)
    {
        var arguments = call.RawRepresentation as string
            ?? Json<IDictionary<string, object?>>(call.Arguments ?? new Dictionary<string, object?>(StringComparer.Ordinal));
        _messages.Add(HarmonyMessage.FromCall(tools.RecipientOf(call.Name), arguments));
    }

    private static string ResultText(object? result) => result switch
    {
        null => string.Empty,
        string text => text,
        TextContent text => text.Text,
        IEnumerable<AIContent> contents => TextOf([.. contents]),
        JsonElement { ValueKind: JsonValueKind.String } json => json.GetString()!,
        _ => Json<object>(result),
    };

    // The options alone would break and indent lines, which the model was not trained to read.
    private static string Json<T>(T value) =>
        JsonText.Compact(JsonSerializer.SerializeToElement(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(T))));

    private static string TextOf(IList<AIContent> contents)
    {
        var text = new StringBuilder();
        foreach (var content in contents)
        {
            if (content is TextContent part)
            {
                text.Append(part.Text);
            }
            else
            {
                RefuseMedia(content);
            }
        }

        return text.ToString();
    }

    // Leaving an image out would change the question.
    private static void RefuseMedia(AIContent content)
    {
        if (content is DataContent or UriContent)
        {
            throw new NotSupportedException($"A message holds {content.GetType().Name}: gpt-oss reads text only.");
        }
    }
}
