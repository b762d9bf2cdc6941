using System.Text;
using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Responses;
using GptOss.Net.AspNetCore.Mapping;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>
/// From the updates of an answer to the items of a response, and to the events that tell of them. An answer that is sent whole is built
/// by the same code, with events that nobody hears.
/// </summary>
internal sealed class ResponseBuilder(ResponsePlan plan, TimeProvider time, ReasoningEventNames names, Action<ResponseEvent> emit)
{
    private readonly List<ResponseItem> _output = [];
    private readonly List<ResponseItem> _sealed = []; // the same, thoughts with their sealed tokens
    private readonly UsageDetails _usage = new();
    private OpenItem? _open;
    private ChatFinishReason? _reason;
    private int _sequence;

    /// <summary>Gets the output for the continuation of the conversation.</summary>
    public IReadOnlyList<ResponseItem> SealedOutput => _sealed;

    private string ReasoningEvent => names == ReasoningEventNames.OpenAI ? "response.reasoning_text" : "response.reasoning";

    public void Start()
    {
        Emit(new ResponseEvent("response.created") { Response = plan.Start });
        if (plan.Start.Background)
        {
            Emit(new ResponseEvent("response.queued") { Response = plan.Start });
        }

        Emit(new ResponseEvent("response.in_progress") { Response = plan.Start with { Status = "in_progress" } });
    }

    public void Add(ChatResponseUpdate update)
    {
        _reason = update.FinishReason ?? _reason;
        foreach (var content in update.Contents)
        {
            switch (content)
            {
                case TextReasoningContent reasoning:
                    AddReasoning(reasoning);
                    break;
                case TextContent { Text.Length: > 0 } text:
                    AddText(text.Text, update);
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

    /// <summary>The whole response.</summary>
    public ResponseBody Finish()
    {
        var isCut = _reason == ChatFinishReason.Length;
        Close(isCut ? "incomplete" : "completed", isLast: true);
        var body = Snapshot(isCut ? "incomplete" : "completed") with
        {
            IncompleteDetails = isCut ? new IncompleteDetails("max_output_tokens") : null,
            CompletedAt = isCut ? null : time.GetUtcNow().ToUnixTimeSeconds(),
        };
        Emit(new ResponseEvent(isCut ? "response.incomplete" : "response.completed") { Response = body });
        return body;
    }

    /// <summary>What there is of a response that failed.</summary>
    public ResponseBody Fail(RequestError error)
    {
        Close("incomplete", isLast: true);
        Emit(new ResponseEvent("error")
        {
            Error = new ErrorBody(error.Message, error.Type, error.Param, error.Code),
            Code = error.Code ?? error.Type,
            Message = error.Message,
            Param = error.Param,
        });
        var body = Snapshot("failed") with { Error = new ResponseErrorBody(error.Code ?? error.Type, error.Message) };
        Emit(new ResponseEvent("response.failed") { Response = body });
        return body;
    }

    /// <summary>What there is of a response that was cancelled.</summary>
    public ResponseBody Cancel()
    {
        Close("incomplete", isLast: true);
        return Snapshot("cancelled");
    }

    private ResponseBody Snapshot(string status) => plan.Start with
    {
        Status = status,
        Output = [.. _output],
        Usage = UsageMapper.ToResponse(_usage),
    };

    private void AddReasoning(TextReasoningContent reasoning)
    {
        if (reasoning.Text.Length > 0 && plan.ShowsReasoning)
        {
            if (_open is not { IsReasoning: true, Sealed: null })
            {
                Open(isReasoning: true, null);
            }

            _open!.Text.Append(reasoning.Text);
            Emit(Inside(ReasoningEvent + ".delta") with { Delta = reasoning.Text });
        }

        if (reasoning.ProtectedData is { } tokens)
        {
            if (_open is not { IsReasoning: true, Sealed: null })
            {
                Open(isReasoning: true, null);
            }

            _open!.Sealed = tokens;
        }
    }

    private void AddText(string text, ChatResponseUpdate update)
    {
        if (_open is not { IsReasoning: false } || !string.Equals(_open.MessageId, update.MessageId, StringComparison.Ordinal))
        {
            Open(isReasoning: false, update.MessageId);
        }

        var logprobs = plan.Logprobs?.Map(update) ?? [];
        _open!.Text.Append(text);
        _open.Logprobs.AddRange(logprobs);
        Emit(Inside("response.output_text.delta") with { Delta = text, Logprobs = logprobs });
    }

    private void AddCall(FunctionCallContent call)
    {
        Close("completed", isLast: false);
        var (space, name) = plan.Tools.Split(call.Name);
        var item = new FunctionCallItem
        {
            Id = NewId("fc_"),
            Status = "completed",
            CallId = call.CallId,
            Name = name,
            Namespace = space,
            Arguments = ToolCallArguments.ToJson(call),
        };
        var place = _output.Count;
        Emit(
            new ResponseEvent("response.output_item.added")
            {
                OutputIndex = place,
                Item = item with { Status = "in_progress", Arguments = "" },
            });
        Emit(new ResponseEvent("response.function_call_arguments.delta") { ItemId = item.Id, OutputIndex = place, Delta = item.Arguments });
        Emit(new ResponseEvent("response.function_call_arguments.done")
        {
            ItemId = item.Id,
            OutputIndex = place,
            Arguments = item.Arguments,
            Name = name,
        });
        AddItem(item, item);
    }

    private void Open(bool isReasoning, string? messageId)
    {
        Close("completed", isLast: false);
        _open = new OpenItem(NewId(isReasoning ? "rs_" : "msg_"), isReasoning, messageId);
        ResponseItem item = isReasoning
            ? new ReasoningItem { Id = _open.Id, Status = "in_progress", Content = [] }
            : new MessageItem { Id = _open.Id, Status = "in_progress" };
        Emit(new ResponseEvent("response.output_item.added") { OutputIndex = _output.Count, Item = item });
        Emit(Inside("response.content_part.added") with { Part = isReasoning ? new ReasoningTextPart("") : new OutputTextPart("", []) });
    }

    /// <summary>A text that another message or a call follows was said before the answer.</summary>
    private void Close(string status, bool isLast)
    {
        if (_open is not { } open)
        {
            return;
        }

        var text = open.Text.ToString();
        ResponsePart part = open.IsReasoning ? new ReasoningTextPart(text) : new OutputTextPart(text, open.Logprobs);
        Emit(Inside(open.IsReasoning ? ReasoningEvent + ".done" : "response.output_text.done") with
        {
            Text = text,
            Logprobs = open.IsReasoning ? null : open.Logprobs,
        });
        Emit(Inside("response.content_part.done") with { Part = part });
        _open = null;
        if (open.IsReasoning)
        {
            var thought = new ReasoningItem { Id = open.Id, Status = status, Content = [part], EncryptedContent = open.Sealed };
            AddItem(plan.IncludesEncryptedReasoning ? thought : thought with { EncryptedContent = null }, thought);
        }
        else
        {
            var message = new MessageItem
            {
                Id = open.Id,
                Status = status,
                Content = [part],
                Phase = isLast ? "final_answer" : "commentary",
            };
            AddItem(message, message);
        }
    }

    private void AddItem(ResponseItem item, ResponseItem sealedItem)
    {
        Emit(new ResponseEvent("response.output_item.done") { OutputIndex = _output.Count, Item = item });
        _output.Add(item);
        _sealed.Add(sealedItem);
    }

    /// <summary>An event of the open item's only part.</summary>
    private ResponseEvent Inside(string type) => new(type) { ItemId = _open!.Id, OutputIndex = _output.Count, ContentIndex = 0 };

    private void Emit(ResponseEvent found) => emit(found with { SequenceNumber = _sequence++ });

    private static string NewId(string prefix) => prefix + Guid.NewGuid().ToString("N");

    private sealed class OpenItem(string id, bool isReasoning, string? messageId)
    {
        public string Id => id;

        public bool IsReasoning => isReasoning;

        public string? MessageId => messageId;

        public StringBuilder Text { get; } = new();

        public List<TokenLogprob> Logprobs { get; } = [];

        public string? Sealed { get; set; }
    }
}
