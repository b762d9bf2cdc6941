using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>
/// The calls of a conversation and what became of them. The format wants each result behind its call; so a call is a group of messages,
/// placed where the call is first mentioned, and the result joins it, unless the user has spoken meanwhile.
/// </summary>
internal sealed class CallHistory(ToolCatalog tools)
{
    private readonly List<PlacedCall> _calls = [];

    /// <summary>Gets the tool that answered last.</summary>
    public string? LastAnswered { get; private set; }

    /// <summary>A call of the assistant; returns its group unless that was placed with a request for its approval.</summary>
    public List<HarmonyMessage>? Call(FunctionCallContent content)
    {
        if (_calls.Find(call => call is { IsRequest: true, IsAnswered: false } && call.Has(content.CallId)) is not { } request)
        {
            return Place(content, isRequest: false);
        }

        // It may have been edited since.
        (request.Content, request.IsRequest) = (content, false);
        request.Group[0] = Message(content);
        return null;
    }

    /// <summary>A call that waits for approval.</summary>
    public List<HarmonyMessage>? Request(FunctionCallContent content) =>
        _calls.Exists(call => !call.IsAnswered && call.Has(content.CallId)) ? null : Place(content, isRequest: true);

    /// <summary>What was decided about it; returns its group where the request itself is missing.</summary>
    public List<HarmonyMessage>? Decide(FunctionCallContent content, ToolApprovalResponseContent decision)
    {
        var group = Request(content);
        if (!decision.Approved && _calls.FindLast(call => call.Has(content.CallId)) is { } rejected)
        {
            rejected.Rejection = decision.Reason is { Length: > 0 } reason ? $"The call was rejected: {reason}" : "The call was rejected.";
        }

        return group;
    }

    /// <summary>The result of a call; returned where it belongs behind what the user has said meanwhile.</summary>
    /// <exception cref="ArgumentException">There is no such call, or it has a result.</exception>
    public HarmonyMessage? Answer(FunctionResultContent result)
    {
        var call = _calls.Find(call => !call.IsAnswered && call.Has(result.CallId)) ?? throw Unexpected(result.CallId);
        LastAnswered = tools.RecipientOf(call.Content.Name);
        var message = HarmonyMessage.FromTool(LastAnswered, ToolResultText.Of(result.Result));
        call.IsAnswered = true;
        if (call.IsInterrupted)
        {
            return message;
        }

        call.Group.Add(message);
        return null;
    }

    /// <summary>The user speaks: what is still open goes on behind that.</summary>
    public void Interrupt()
    {
        foreach (var call in _calls)
        {
            call.IsInterrupted = true;
        }
    }

    /// <summary>Ends the calls that got no result.</summary>
    public void Complete()
    {
        foreach (var call in _calls.Where(call => !call.IsAnswered))
        {
            if (call.Rejection is { } rejection)
            {
                call.Group.Add(HarmonyMessage.FromTool(tools.RecipientOf(call.Content.Name), rejection));
            }
            else if (call.Content.InformationalOnly)
            {
                // It was dealt with elsewhere; an open call would wait for a result.
                call.Group.Clear();
            }
        }
    }

    private List<HarmonyMessage> Place(FunctionCallContent content, bool isRequest)
    {
        List<HarmonyMessage> group = [Message(content)];
        _calls.Add(new PlacedCall(content, group) { IsRequest = isRequest });
        return group;
    }

    private HarmonyMessage Message(FunctionCallContent content) =>
        HarmonyMessage.FromCall(tools.RecipientOf(content.Name), CallArguments.TextOf(content));

    private ArgumentException Unexpected(string callId) => new(
        _calls.Exists(call => call.Has(callId))
            ? $"The call '{callId}' has two results. Send the first one only."
            : $"A result answers the call '{callId}', but no message before it makes that call. "
              + "Keep a call together with its result when the conversation is shortened.");

    private sealed class PlacedCall(FunctionCallContent content, List<HarmonyMessage> group)
    {
        public FunctionCallContent Content { get; set; } = content;

        public List<HarmonyMessage> Group { get; } = group;

        /// <summary>Gets or sets a value indicating whether it only waits for approval so far.</summary>
        public bool IsRequest { get; set; }

        public bool IsAnswered { get; set; }

        public bool IsInterrupted { get; set; }

        public string? Rejection { get; set; }

        public bool Has(string callId) => string.Equals(Content.CallId, callId, StringComparison.Ordinal);
    }
}
