using System.Text.Json;
using GptOss.Net.AspNetCore.Contracts.Messages;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>From Anthropic's messages to those of the chat client. Used once.</summary>
internal sealed class MessagesReader
{
    // An agent puts a line with a new hash into each request; with it no prompt would be found in the cache.
    private const string BillingLine = "x-anthropic-billing-header:";

    private readonly HashSet<string> _calls = new(StringComparer.Ordinal);
    private readonly List<ChatMessage> _messages = [];

    public IReadOnlyList<ChatMessage> Read(MessagesRequest body, int most)
    {
        AddSystem(body.System);
        var messages = Check.Required(body.Messages, "messages");
        if (messages.Count == 0)
        {
            throw RequestError.Invalid("messages", "'messages' is empty; it needs at least one message.");
        }

        Check.Count(messages.Count, most, "messages");
        for (var i = 0; i < messages.Count; i++)
        {
            var param = FormattableString.Invariant($"messages[{i}]");
            Add(messages[i] ?? throw RequestError.WrongType(param, "an object"), param);
        }

        return _messages;
    }

    private void AddSystem(JsonElement? system)
    {
        var texts = system is { ValueKind: JsonValueKind.Array } blocks
            ? blocks.EnumerateArray().Select((block, i) => ContentText.Read(block.ValueKind == JsonValueKind.Object
                ? Check.Member(block, "text")
                : block, FormattableString.Invariant($"system[{i}]")))
            : [ContentText.Read(system, "system")];
        var text = string.Join(
            "\n\n", texts.Select(WithoutBilling).Where(part => part.Length > 0));
        if (text.Length > 0)
        {
            _messages.Add(new ChatMessage(ChatRole.System, text));
        }
    }

    private static string WithoutBilling(string text) => text.Contains(BillingLine, StringComparison.Ordinal)
        ? string.Join('\n', text.Split('\n').Where(line => !line.StartsWith(BillingLine, StringComparison.Ordinal)))
        : text;

    private void Add(MessageBody message, string param)
    {
        switch (message.Role)
        {
            case null:
                throw RequestError.Missing($"{param}.role");
            case "system":
                AddSystem(message.Content);
                break;
            case "user":
                AddUser(message.Content, $"{param}.content");
                break;
            case "assistant":
                AddAssistant(message.Content, $"{param}.content");
                break;
            default:
                throw RequestError.Invalid($"{param}.role", $"'{param}.role' must be user or assistant.");
        }
    }

    /// <summary>Results first, then what the user says.</summary>
    private void AddUser(JsonElement? content, string param)
    {
        var results = new List<AIContent>();
        var texts = new List<string>();
        foreach (var (block, place, type) in Blocks(content, param))
        {
            switch (type)
            {
                case "text":
                    texts.Add(Check.TextMember(block, "text", place) ?? throw RequestError.Missing($"{place}.text"));
                    break;
                case "tool_result":
                    results.Add(ReadResult(block, place));
                    break;
                default:
                    throw RequestError.UnsupportedValue($"{place}.type", $"it is '{type}', but gpt-oss reads text only");
            }
        }

        if (results.Count > 0)
        {
            _messages.Add(new ChatMessage(ChatRole.Tool, results));
        }

        if (texts.Count > 0 || results.Count == 0)
        {
            _messages.Add(new ChatMessage(ChatRole.User, string.Join('\n', texts)));
        }
    }

    private FunctionResultContent ReadResult(JsonElement block, string param)
    {
        var id = Check.TextMember(block, "tool_use_id", param) ?? throw RequestError.Missing($"{param}.tool_use_id");
        if (!_calls.Contains(id))
        {
            throw RequestError.Invalid($"{param}.tool_use_id", $"'{param}.tool_use_id' answers a call that no message before it makes.");
        }

        var text = ContentText.Read(Check.Member(block, "content"), $"{param}.content");
        var isError = Check.Member(block, "is_error") is { ValueKind: JsonValueKind.True };
        return new FunctionResultContent(id, isError ? $"Error: {text}" : text);
    }

    private void AddAssistant(JsonElement? content, string param)
    {
        var contents = new List<AIContent>();
        foreach (var (block, place, type) in Blocks(content, param))
        {
            switch (type)
            {
                case "text":
                    contents.Add(new TextContent(Check.TextMember(block, "text", place) ?? throw RequestError.Missing($"{place}.text")));
                    break;
                case "thinking":
                    contents.Add(new TextReasoningContent(Check.TextMember(block, "thinking", place))
                    {
                        ProtectedData = Check.TextMember(block, "signature", place),
                    });
                    break;
                case "redacted_thinking":
                    break;
                case "tool_use":
                    contents.Add(ReadCall(block, place));
                    break;
                default:
                    throw RequestError.UnsupportedValue($"{place}.type", $"it is '{type}', but gpt-oss reads text only");
            }
        }

        _messages.Add(new ChatMessage(ChatRole.Assistant, contents));
    }

    private FunctionCallContent ReadCall(JsonElement block, string param)
    {
        var id = Check.TextMember(block, "id", param) ?? throw RequestError.Missing($"{param}.id");
        var name = Check.TextMember(block, "name", param) ?? throw RequestError.Missing($"{param}.name");
        _calls.Add(id);
        return ToolCallArguments.ToContent(
            id, name, Check.Member(block, "input") is { } input ? Check.Object(input, $"{param}.input").GetRawText() : "{}");
    }

    private static IEnumerable<(JsonElement Block, string Param, string Type)> Blocks(JsonElement? content, string param)
    {
        switch (content?.ValueKind)
        {
            case null or JsonValueKind.Null:
                throw RequestError.Missing(param);
            case JsonValueKind.String:
                yield return (ResponseInput.Write(writer => writer.WriteString("text", Check.Text(content.Value, param))), param, "text");
                break;
            case JsonValueKind.Array:
                var i = 0;
                foreach (var block in content.Value.EnumerateArray())
                {
                    var place = FormattableString.Invariant($"{param}[{i++}]");
                    yield return (block, place, Check.TextMember(Check.Object(block, place), "type", place)
                        ?? throw RequestError.Missing($"{place}.type"));
                }

                break;
            default:
                throw RequestError.WrongType(param, "a string or a list of blocks");
        }
    }
}
