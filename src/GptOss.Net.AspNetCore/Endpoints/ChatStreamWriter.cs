using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Chat;
using GptOss.Net.AspNetCore.Mapping;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>Writes the updates of answers as chunks. The chunk and its choice are used again for each.</summary>
internal sealed class ChatStreamWriter
{
    private readonly EventStream _stream;
    private readonly ChatAnswerOptions _answer;
    private readonly ChatChunk _chunk;
    private readonly ChatChunkChoice[] _choice = [new()];
    private readonly int[] _calls;
    private readonly ChatFinishReason?[] _reasons;
    private readonly UsageDetails[] _usage;

    public ChatStreamWriter(EventStream stream, ChatAnswerOptions answer)
    {
        (_stream, _answer) = (stream, answer);
        _chunk = answer.IncludesUsage
            ? new ChatUsageChunk(answer.Id, answer.Created, answer.Model)
            : new ChatChunk(answer.Id, answer.Created, answer.Model);
        _calls = new int[answer.Choices];
        _reasons = new ChatFinishReason?[answer.Choices];
        _usage = [.. Enumerable.Range(0, answer.Choices).Select(_ => new UsageDetails())];
    }

    /// <summary>The role of each answer; only here, because clients join the strings of a member.</summary>
    public void WriteStart()
    {
        for (var i = 0; i < _answer.Choices; i++)
        {
            Write(i, new ChatDelta { Role = "assistant", Content = "" });
        }
    }

    public void Write(int index, ChatResponseUpdate update)
    {
        _reasons[index] = update.FinishReason ?? _reasons[index];
        foreach (var content in update.Contents)
        {
            switch (content)
            {
                case TextReasoningContent { Text.Length: > 0 } reasoning when _answer.ShowsReasoning:
                    Write(index, new ChatDelta { Reasoning = reasoning.Text });
                    break;
                case TextContent { Text.Length: > 0 } text:
                    Write(index, new ChatDelta { Content = text.Text }, _answer.Logprobs?.Map(update));
                    break;
                case FunctionCallContent call:
                    WriteCall(index, call);
                    break;
                case UsageContent usage:
                    _usage[index].Add(usage.Details);
                    break;
            }
        }
    }

    /// <summary>Why each answer ended, then the usage where the client asked for it.</summary>
    public void WriteEnd()
    {
        for (var i = 0; i < _answer.Choices; i++)
        {
            _choice[0].FinishReason = FinishReasonMapper.ToChat(_reasons[i], _calls[i] > 0);
            Write(i, new ChatDelta());
        }

        if (_chunk is ChatUsageChunk last)
        {
            last.Choices = [];
            last.Usage = UsageMapper.ToChat(_usage);
            _stream.Write(null, last, ReplyJson.Default.ChatUsageChunk);
        }
    }

    /// <summary>First what names the call, then its arguments: clients join the latter.</summary>
    private void WriteCall(int index, FunctionCallContent call)
    {
        var place = _calls[index]++;
        Write(index, new ChatDelta
        {
            ToolCalls = [new() { Index = place, Id = call.CallId, Type = "function", Function = new ChatFunctionCall(call.Name, "") }],
        });
        Write(index, new ChatDelta
        {
            ToolCalls = [new() { Index = place, Function = new ChatFunctionCall(null, ToolCallArguments.ToJson(call)) }],
        });
    }

    private void Write(int index, ChatDelta delta, IReadOnlyList<TokenLogprob>? logprobs = null)
    {
        var choice = _choice[0];
        (choice.Index, choice.Delta) = (index, delta);
        choice.Logprobs = logprobs is null ? null : new ChatLogProbabilities(logprobs);
        _chunk.Choices = _choice;
        if (_chunk is ChatUsageChunk withUsage)
        {
            _stream.Write(null, withUsage, ReplyJson.Default.ChatUsageChunk);
        }
        else
        {
            _stream.Write(null, _chunk, ReplyJson.Default.ChatChunk);
        }
    }
}
