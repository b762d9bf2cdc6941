using System.Text;
using System.Text.Json;
using GptOss.Net.AspNetCore.Contracts.Messages;
using GptOss.Net.AspNetCore.Mapping;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>From the updates of an answer to the blocks of a message in Anthropic's form, and to the events that tell of them.</summary>
internal sealed class MessageBuilder(string model, long inputTokens, bool showsReasoning, Action<MessageEvent> emit)
{
    private static readonly JsonElement NoInput = JsonElement.Parse("{}");

    private readonly string _id = "msg_" + Guid.NewGuid().ToString("N");
    private readonly List<MessageBlock> _blocks = [];
    private readonly StringBuilder _text = new();
    private readonly UsageDetails _usage = new();
    private MessageBlock? _open;
    private ChatFinishReason? _reason;

    public void Start() =>
        emit(new MessageEvent("message_start") { Message = new MessageReply(_id, model, [], new MessageUsage(inputTokens, 0, 0)) });

    public void Add(ChatResponseUpdate update)
    {
        _reason = update.FinishReason ?? _reason;
        foreach (var content in update.Contents)
        {
            switch (content)
            {
                case TextReasoningContent reasoning when showsReasoning:
                    AddThinking(reasoning);
                    break;
                case TextContent { Text.Length: > 0 } text:
                    Open(new TextBlock(""));
                    _text.Append(text.Text);
                    EmitDelta(new MessageDelta { Type = "text_delta", Text = text.Text });
                    break;
                case FunctionCallContent call:
                    AddCall(call);
                    break;
                case UsageContent usage:
                    _usage.Add(usage.Details);
                    break;
            }
        }
    }

    public MessageReply Finish()
    {
        Close();
        var cached = _usage.CachedInputTokenCount ?? 0;
        var usage = new MessageUsage((_usage.InputTokenCount ?? 0) - cached, cached, _usage.OutputTokenCount ?? 0);
        var reason = _blocks.Any(block => block is ToolUseBlock) ? "tool_use"
            : _reason == ChatFinishReason.Length ? "max_tokens"
            : "end_turn";
        emit(new MessageEvent("message_delta") { Delta = new MessageDelta { StopReason = reason }, Usage = usage });
        emit(new MessageEvent("message_stop"));
        return new MessageReply(_id, model, _blocks, usage) { StopReason = reason };
    }

    private void AddThinking(TextReasoningContent reasoning)
    {
        if (reasoning.Text.Length > 0)
        {
            Open(new ThinkingBlock("", ""));
            _text.Append(reasoning.Text);
            EmitDelta(new MessageDelta { Type = "thinking_delta", Thinking = reasoning.Text });
        }

        if (reasoning.ProtectedData is { } tokens && _open is ThinkingBlock)
        {
            Close(tokens);
        }
    }

    private void AddCall(FunctionCallContent call)
    {
        Close();
        var arguments = ToolCallArguments.ToJson(call);
        _open = new ToolUseBlock(call.CallId, call.Name, NoInput);
        emit(new MessageEvent("content_block_start") { Index = _blocks.Count, ContentBlock = _open });
        EmitDelta(new MessageDelta { Type = "input_json_delta", PartialJson = arguments });
        EmitStop(new ToolUseBlock(call.CallId, call.Name, JsonElement.Parse(arguments)));
    }

    private void Open(MessageBlock block)
    {
        if (_open?.GetType() != block.GetType())
        {
            Close();
            _open = block;
            emit(new MessageEvent("content_block_start") { Index = _blocks.Count, ContentBlock = block });
        }
    }

    private void Close(string signature = "")
    {
        switch (_open)
        {
            case ThinkingBlock:
                EmitDelta(new MessageDelta { Type = "signature_delta", Signature = signature });
                EmitStop(new ThinkingBlock(_text.ToString(), signature));
                break;
            case TextBlock:
                EmitStop(new TextBlock(_text.ToString()));
                break;
        }
    }

    private void EmitDelta(MessageDelta delta) => emit(new MessageEvent("content_block_delta") { Index = _blocks.Count, Delta = delta });

    private void EmitStop(MessageBlock block)
    {
        emit(new MessageEvent("content_block_stop") { Index = _blocks.Count });
        _blocks.Add(block);
        _text.Clear();
        _open = null;
    }
}
