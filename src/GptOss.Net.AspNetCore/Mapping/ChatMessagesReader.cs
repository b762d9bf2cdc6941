using System.Text.Json;
using GptOss.Net.AspNetCore.Contracts.Chat;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>From the messages of a chat completion to those of the chat client. Used once.</summary>
/// <param name="recall">The reasoning before a call, where the server remembers it.</param>
internal sealed class ChatMessagesReader(Func<string, string?> recall)
{
    private readonly HashSet<string> _calls = new(StringComparer.Ordinal);

    public IReadOnlyList<ChatMessage> Read(IReadOnlyList<ChatMessageBody?>? messages, int most)
    {
        Check.Required(messages, "messages");
        if (messages!.Count == 0)
        {
            throw RequestError.Invalid("messages", "'messages' is empty; it needs at least one message.");
        }

        Check.Count(messages.Count, most, "messages");
        return [.. messages.Select((message, i) => ReadMessage(message, FormattableString.Invariant($"messages[{i}]")))];
    }

    private ChatMessage ReadMessage(ChatMessageBody? message, string param)
    {
        if (message is null)
        {
            throw RequestError.WrongType(param, "an object");
        }

        switch (message.Role)
        {
            case null:
                throw RequestError.Missing($"{param}.role");
            case "system" or "developer":
                return new ChatMessage(ChatRole.System, RequiredText(message, param));
            case "user":
                return new ChatMessage(ChatRole.User, RequiredText(message, param));
            case "assistant":
                return ReadAssistant(message, param);
            case "tool":
                return ReadResult(message, param);
            case "function":
                throw RequestError.UnsupportedValue($"{param}.role", "functions were replaced by tools; use the role 'tool'");
            default:
                throw RequestError.Invalid($"{param}.role", $"'{param}.role' must be developer, system, user, assistant or tool.");
        }
    }

    private static string RequiredText(ChatMessageBody message, string param) => message.Content is { ValueKind: not JsonValueKind.Null }
        ? ContentText.Read(message.Content, $"{param}.content")
        : throw RequestError.Missing($"{param}.content");

    private ChatMessage ReadAssistant(ChatMessageBody message, string param)
    {
        if (message.FunctionCall is not null)
        {
            throw RequestError.Unsupported($"{param}.function_call", "functions were replaced by tools; use 'tool_calls'");
        }

        var contents = new List<AIContent>();
        if ((message.Reasoning ?? message.ReasoningContent ?? Recall(message)) is { Length: > 0 } reasoning)
        {
            contents.Add(new TextReasoningContent(reasoning));
        }

        if (ContentText.Read(message.Content, $"{param}.content") is { Length: > 0 } text)
        {
            contents.Add(new TextContent(text));
        }
        else if (message.Refusal is { Length: > 0 } refusal)
        {
            contents.Add(new TextContent(refusal));
        }

        for (var i = 0; i < (message.ToolCalls?.Count ?? 0); i++)
        {
            contents.Add(ReadCall(message.ToolCalls![i], FormattableString.Invariant($"{param}.tool_calls[{i}]")));
        }

        return new ChatMessage(ChatRole.Assistant, contents);
    }

    private string? Recall(ChatMessageBody message) =>
        message.ToolCalls?.Select(call => call?.Id is { } id ? recall(id) : null).FirstOrDefault(text => text is not null);

    private FunctionCallContent ReadCall(ChatToolCallBody? call, string param)
    {
        var id = Check.Required(call?.Id, $"{param}.id");
        var function = Check.Required(call!.Function, $"{param}.function");
        if (call.Type is not (null or "function"))
        {
            throw RequestError.UnsupportedValue($"{param}.type", $"it is '{call.Type}', but the model can call functions only");
        }

        var name = Check.Required(function.Name, $"{param}.function.name");
        var arguments = function.Arguments switch
        {
            null => "{}",
            { ValueKind: JsonValueKind.String } text => Check.Text(text, $"{param}.function.arguments"),
            { ValueKind: JsonValueKind.Object } json => json.GetRawText(),
            _ => throw RequestError.WrongType($"{param}.function.arguments", "JSON in a string"),
        };
        _calls.Add(id);
        return ToolCallArguments.ToContent(id, name, arguments.Length > 0 ? arguments : "{}");
    }

    private ChatMessage ReadResult(ChatMessageBody message, string param)
    {
        var id = Check.Required(message.ToolCallId, $"{param}.tool_call_id");
        return _calls.Contains(id)
            ? new ChatMessage(ChatRole.Tool, [new FunctionResultContent(id, ContentText.Read(message.Content, $"{param}.content"))])
            : throw RequestError.Invalid(
                $"{param}.tool_call_id", $"'{param}.tool_call_id' answers a call that no message before it makes.");
    }
}
