using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>From chat messages to the messages of the harmony format, each where it stands. Used once.</summary>
internal sealed class ChatMessageMapper(ToolCatalog tools, ChatOptions options, ReasoningSeal seal)
{
    private const string UnknownTool = "tool";

    // A message, or a call with its result behind it.
    private readonly List<List<HarmonyMessage>> _groups = [];
    private readonly List<string> _instructions = string.IsNullOrWhiteSpace(options.Instructions) ? [] : [options.Instructions];
    private readonly CallHistory _calls = new(tools);

    // Where several assistants take part, who of them speaks is told; otherwise the model's own words stay as it wrote them.
    private bool _tellsAssistants;

    // The last text of the assistant's turn: its answer, unless something follows.
    private List<HarmonyMessage>? _answer;

    /// <summary>Maps the conversation; <paramref name="messages"/> is enumerated once.</summary>
    /// <exception cref="ArgumentException">A role is unknown, or a result belongs to no call.</exception>
    /// <exception cref="NotSupportedException">The model is asked about a picture or a file.</exception>
    public IReadOnlyList<HarmonyMessage> Map(IEnumerable<ChatMessage> messages, SystemContent system)
    {
        ChatMessage[] all = [.. messages];
        var lastAnswered = Array.FindLastIndex(all, message => message is not null && Is(message, "assistant"));
        _tellsAssistants = all.Where(message => message is not null && Is(message, "assistant"))
            .Select(message => HarmonyName.OfAuthor(message.AuthorName)).Distinct(StringComparer.Ordinal).Skip(1).Any();
        for (var i = 0; i < all.Length; i++)
        {
            ArgumentNullException.ThrowIfNull(all[i], nameof(messages));
            Add(all[i], isAsked: i > lastAnswered);
        }

        _calls.Complete();
        List<HarmonyMessage> mapped = [HarmonyMessage.FromSystem(system)];
        var developer = new DeveloperContent
        {
            Instructions = _instructions.Count > 0 ? string.Join("\n\n", _instructions) : null,
            ToolNamespaces = tools.Describe(),
            ResponseFormat = ChatOptionsMapper.ToResponseFormat(options),
        };
        if (developer is not { Instructions: null, ToolNamespaces.Count: 0, ResponseFormat: null })
        {
            mapped.Add(HarmonyMessage.FromDeveloper(developer));
        }

        return [.. mapped, .. _groups.SelectMany(group => group)];
    }

    private static bool Is(ChatMessage message, string role) => string.Equals(message.Role.Value, role, StringComparison.OrdinalIgnoreCase);

    private void Add(ChatMessage message, bool isAsked)
    {
        switch (message.Role.Value.ToLowerInvariant())
        {
            case "system" or "developer":
                AddContents(message, isAsked, AddInstructions);
                break;
            case "user":
                // Nothing at all is a question too; an approval alone is none.
                if (!AddContents(message, isAsked, text => AddUser(message, text)))
                {
                    AddUser(message, "");
                }

                break;
            case "assistant":
                AddContents(message, isAsked: false, text => AddAnswer(message, text));
                break;
            case "tool":
                AddContents(message, isAsked: false, text => Place(HarmonyMessage.FromTool(_calls.LastAnswered ?? UnknownTool, text)));
                break;
            default:
                throw new ArgumentException($"Messages of the role '{message.Role}' are unknown; use system, user, assistant or tool.");
        }
    }

    /// <summary>
    /// Adds what a message holds, in its order: text as the message's role has it, calls and results wherever they stand.
    /// </summary>
    /// <returns>Whether there was anything.</returns>
    private bool AddContents(ChatMessage message, bool isAsked, Action<string> addText)
    {
        var (text, wasAdded) = (new ContentText(), false);
        foreach (var content in message.Contents)
        {
            if (content is TextReasoningContent thought && Is(message, "assistant"))
            {
                Flush();
                AddThought(thought);
            }
            else if (content is FunctionCallContent or FunctionResultContent or ToolApprovalRequestContent or ToolApprovalResponseContent)
            {
                Flush();
                AddCallOrResult(content);
                wasAdded = true;
            }
            else
            {
                text.Append(content, isAsked);
            }
        }

        Flush();
        return wasAdded;

        void Flush()
        {
            if (!text.IsEmpty)
            {
                addText(text.Take());
                wasAdded = true;
            }
        }
    }

    private void AddCallOrResult(AIContent content)
    {
        switch (content)
        {
            case FunctionCallContent call:
                PlaceCall(_calls.Call(call));
                break;
            case ToolApprovalRequestContent { ToolCall: FunctionCallContent call }:
                PlaceCall(_calls.Request(call));
                break;
            case ToolApprovalResponseContent { ToolCall: FunctionCallContent call } response:
                PlaceCall(_calls.Decide(call, response));
                break;
            case FunctionResultContent result:
                Place(_calls.Answer(result));
                break;
        }
    }

    // At its first mention: an approved call comes again behind its approval.
    private void PlaceCall(List<HarmonyMessage>? group)
    {
        if (group is not null)
        {
            AnswerWasPreamble();
            _groups.Add(group);
        }
    }

    private void Place(HarmonyMessage? message)
    {
        if (message is not null)
        {
            _groups.Add([message]);
        }
    }

    private void AddUser(ChatMessage message, string text)
    {
        _answer = null;
        _calls.Interrupt();
        Place(
            new HarmonyMessage
            {
                Role = HarmonyRole.User,
                AuthorName = HarmonyName.OfAuthor(message.AuthorName),
                Content = [new HarmonyText(text)],
            });
    }

    // What stands at the beginning belongs to the instructions; moving anything else would change every token behind its new place.
    private void AddInstructions(string text)
    {
        if (_groups.Count == 0)
        {
            _instructions.Add(text);
        }
        else
        {
            Place(HarmonyMessage.FromDeveloper(new DeveloperContent { Instructions = text }));
        }
    }

    private void AddThought(TextReasoningContent reasoning)
    {
        HarmonyContent? content = seal.Open(reasoning.ProtectedData) is { } tokens ? new HarmonyTokens(tokens)
            : reasoning.Text.Length > 0 ? new HarmonyText(reasoning.Text)
            : null;
        if (content is not null)
        {
            Place(new HarmonyMessage { Role = HarmonyRole.Assistant, Channel = HarmonyChannel.Analysis, Content = [content] });
        }
    }

    private void AddAnswer(ChatMessage message, string text)
    {
        AnswerWasPreamble();
        _answer = [Said(text, HarmonyChannel.Final, _tellsAssistants ? HarmonyName.OfAuthor(message.AuthorName) : null)];
        _groups.Add(_answer);
    }

    /// <summary>What is said before a call or before the answer is a preamble, also in a message of its own.</summary>
    private void AnswerWasPreamble()
    {
        if (_answer is not null)
        {
            _answer[0] = Said(_answer[0].Text, HarmonyChannel.Commentary, _answer[0].AuthorName);
            _answer = null;
        }
    }

    private static HarmonyMessage Said(string text, string channel, string? author) =>
        new() { Role = HarmonyRole.Assistant, AuthorName = author, Channel = channel, Content = [new HarmonyText(text)] };
}
