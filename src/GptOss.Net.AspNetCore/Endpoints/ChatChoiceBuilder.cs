using System.Text;
using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Chat;
using GptOss.Net.AspNetCore.Mapping;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>Collects the updates of an answer that is sent whole.</summary>
internal sealed class ChatChoiceBuilder(int index, ChatAnswerOptions answer)
{
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _reasoning = new();
    private readonly List<ChatToolCall> _calls = [];
    private readonly List<TokenLogprob> _logprobs = [];
    private ChatFinishReason? _reason;

    public UsageDetails Usage { get; } = new();

    public void Add(ChatResponseUpdate update)
    {
        _reason = update.FinishReason ?? _reason;
        foreach (var content in update.Contents)
        {
            switch (content)
            {
                case TextReasoningContent reasoning:
                    _reasoning.Append(reasoning.Text);
                    break;
                case TextContent text:
                    _text.Append(text.Text);
                    _logprobs.AddRange(answer.Logprobs?.Map(update) ?? []);
                    break;
                case FunctionCallContent call:
                    _calls.Add(new ChatToolCall
                    {
                        Id = call.CallId,
                        Type = "function",
                        Function = new ChatFunctionCall(call.Name, ToolCallArguments.ToJson(call)),
                    });
                    break;
                case UsageContent usage:
                    Usage.Add(usage.Details);
                    break;
            }
        }
    }

    public ChatChoice Build() => new(
        index,
        FinishReasonMapper.ToChat(_reason, _calls.Count > 0),
        new ChatAnswer
        {
            Content = _text.Length > 0 || (_calls.Count == 0 && _reason != ChatFinishReason.Length) ? _text.ToString() : null,
            Reasoning = answer.ShowsReasoning && _reasoning.Length > 0 ? _reasoning.ToString() : null,
            ToolCalls = _calls.Count > 0 ? _calls : null,
        },
        answer.Logprobs is null ? null : new ChatLogProbabilities(_logprobs));
}
