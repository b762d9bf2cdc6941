using GptOss.Net.Harmony;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Chat;

/// <summary>Which messages a turn of the assistant may consist of. Immutable.</summary>
internal sealed class TurnGrammar
{
    private static readonly string[] CallChannels = [HarmonyChannel.Commentary, HarmonyChannel.Analysis];
    private static readonly string[] CallContentTypes = ["", " json", " "];
    private static readonly bool[] Either = [true, false];

    private TurnGrammar(IReadOnlyList<HeaderForm> openForms, IReadOnlyList<HeaderForm> lastForms, int reasoningBudget) =>
        (Forms, LastForms, ReasoningBudget) = ([.. openForms, .. lastForms], lastForms, reasoningBudget);

    /// <summary>Gets the headers a message may have.</summary>
    public IReadOnlyList<HeaderForm> Forms { get; }

    /// <summary>Gets those of them that a turn can end with.</summary>
    public IReadOnlyList<HeaderForm> LastForms { get; }

    /// <summary>Gets the most tokens of reasoning; after them only a message that ends the turn may come.</summary>
    public int ReasoningBudget { get; }

    /// <summary>A turn that ends with an answer or a call.</summary>
    /// <param name="calls">The functions that may be called, and what their arguments must be.</param>
    /// <param name="answers">Whether the turn may end with an answer; otherwise there must be functions.</param>
    /// <param name="answer">What the answer must be; any text when <see langword="null"/>.</param>
    /// <param name="reasoningBudget">The most tokens of reasoning.</param>
    /// <param name="isJson">Whether what the answer must be is JSON.</param>
    public static TurnGrammar Create(
        IReadOnlyDictionary<string, TextState> calls, bool answers = true, TextState? answer = null, int reasoningBudget = int.MaxValue,
        bool isJson = true)
    {
        HeaderForm thought = new(MessageKind.Thought, HarmonyChannel.Analysis);
        HeaderForm preamble = new(MessageKind.Preamble, HarmonyChannel.Commentary);

        // JSON with words before it would not parse, and what is one of some texts stands alone: there are no preambles to them.
        return new TurnGrammar(
            answer is null ? [thought, preamble] : [thought],
            [.. answers ? AnswerForms(answer, isJson) : [], .. calls.SelectMany(call => CallForms(call.Key, call.Value))],
            reasoningBudget);
    }

    private static HeaderForm[] AnswerForms(TextState? answer, bool isJson) => answer is null || !isJson
        ? [new HeaderForm(MessageKind.Answer, HarmonyChannel.Final) { Body = answer }]
        :
        [
            new HeaderForm(MessageKind.Answer, HarmonyChannel.Final + " ") { IsConstrained = true, Body = answer },
            new HeaderForm(MessageKind.Answer, HarmonyChannel.Final) { IsConstrained = true, Body = answer },
            new HeaderForm(MessageKind.Answer, HarmonyChannel.Final + " json") { Body = answer },
        ];

    /// <summary>The recipient stands before or behind the channel; the content type is constrained, plain or missing.</summary>
    private static IEnumerable<HeaderForm> CallForms(string name, TextState arguments)
    {
        var recipient = $" to={ToolNamespace.Functions}.{name}";
        return
            from channel in CallChannels
            from isBefore in Either
            from contentType in CallContentTypes
            select new HeaderForm(MessageKind.Call, channel + (isBefore ? "" : recipient) + contentType)
            {
                Recipient = isBefore ? recipient : "",
                IsConstrained = contentType is " ",
                Body = arguments,
            };
    }
}
