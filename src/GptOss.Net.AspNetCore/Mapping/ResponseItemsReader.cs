using System.Text.Json;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>From the items of a conversation to the messages of the chat client. Used once.</summary>
internal sealed class ResponseItemsReader(CompactionSeal seal)
{
    private readonly HashSet<string> _calls = new(StringComparer.Ordinal);
    private readonly List<ChatMessage> _messages = [];

    /// <param name="items">The items, oldest first.</param>
    /// <param name="param">The path of an item, by its place.</param>
    public IReadOnlyList<ChatMessage> Read(IReadOnlyList<JsonElement> items, Func<int, string> param)
    {
        for (var i = 0; i < items.Count; i++)
        {
            Add(items[i], param(i));
        }

        return _messages;
    }

    private void Add(JsonElement item, string param)
    {
        switch (ResponseInput.TypeOf(item, param))
        {
            case "message":
                AddMessage(item, param);
                break;
            case "reasoning":
                AddReasoning(item, param);
                break;
            case "function_call":
                AddCall(item, param);
                break;
            case "function_call_output":
                AddResult(item, param);
                break;
            case "compaction":
                var inner = seal.Open(Check.TextMember(item, "encrypted_content", param), param);
                Read(inner, _ => param);
                break;
            case "item_reference":
                throw RequestError.NotFound(
                    "An item_reference was not resolved; send the item itself, as with 'store': false.", param: param);
            default:
                // Calls of tools that a service runs: agents send them back, and they say nothing to this model.
                break;
        }
    }

    private void AddMessage(JsonElement item, string param)
    {
        var role = Check.TextMember(item, "role", param) ?? throw RequestError.Missing($"{param}.role");
        var text = ContentText.Read(Check.Member(item, "content"), $"{param}.content");
        _messages.Add(role switch
        {
            "system" or "developer" => new ChatMessage(ChatRole.System, text),
            "user" => new ChatMessage(ChatRole.User, text),
            "assistant" => new ChatMessage(ChatRole.Assistant, text),
            _ => throw RequestError.Invalid($"{param}.role", $"'{param}.role' must be developer, system, user or assistant."),
        });
    }

    /// <summary>A thought: its sealed tokens if this server sealed them, else its text, else nothing.</summary>
    private void AddReasoning(JsonElement item, string param)
    {
        var text = ContentText.Read(Check.Member(item, "content"), $"{param}.content");
        var tokens = Check.TextMember(item, "encrypted_content", param);
        if (text.Length > 0 || tokens is not null)
        {
            _messages.Add(new ChatMessage(ChatRole.Assistant, [new TextReasoningContent(text) { ProtectedData = tokens }]));
        }
    }

    private void AddCall(JsonElement item, string param)
    {
        var id = Check.TextMember(item, "call_id", param) ?? throw RequestError.Missing($"{param}.call_id");
        var name = Check.TextMember(item, "name", param) ?? throw RequestError.Missing($"{param}.name");
        var arguments = Check.Member(item, "arguments") switch
        {
            null => "{}",
            { ValueKind: JsonValueKind.Object } json => json.GetRawText(),
            { } text => Check.Text(text, $"{param}.arguments"),
        };
        _calls.Add(id);
        _messages.Add(new ChatMessage(ChatRole.Assistant,
        [
            ToolCallArguments.ToContent(
                id, ResponseTools.Join(Check.TextMember(item, "namespace", param), name), arguments.Length > 0 ? arguments : "{}"),
        ]));
    }

    private void AddResult(JsonElement item, string param)
    {
        var id = Check.TextMember(item, "call_id", param) ?? throw RequestError.Missing($"{param}.call_id");
        if (!_calls.Contains(id))
        {
            throw RequestError.Invalid($"{param}.call_id", $"'{param}.call_id' answers a call that no item before it makes.");
        }

        _messages.Add(new ChatMessage(
            ChatRole.Tool, [new FunctionResultContent(id, ContentText.Read(Check.Member(item, "output"), $"{param}.output"))]));
    }
}
