namespace GptOss.Net.Harmony;

/// <summary>Leaves out reasoning of earlier turns.</summary>
internal static class AnalysisFilter
{
    /// <summary>The messages to render. Preambles, calls and results always stay, except where the reference drops them too.</summary>
    public static IReadOnlyList<HarmonyMessage> Apply(IReadOnlyList<HarmonyMessage> messages, AnalysisHistory history)
    {
        switch (history)
        {
            case AnalysisHistory.CurrentTurn:
                var lastFinal = LastIndex(messages, IsFinal);
                return [.. messages.Where((message, index) => index > lastFinal || !IsReasoning(message))];
            case AnalysisHistory.Reference:
                var lastAssistant = LastIndex(messages, message => message.Role == HarmonyRole.Assistant);
                if (lastAssistant < 0 || !IsOn(messages[lastAssistant], HarmonyChannel.Final))
                {
                    return messages;
                }

                var firstFinal = messages.TakeWhile(message => !IsOn(message, HarmonyChannel.Final)).Count();
                return [.. messages.Where((message, index) => index > firstFinal || !IsOn(message, HarmonyChannel.Analysis))];
            case AnalysisHistory.All:
                return messages;
            default:
                throw new ArgumentOutOfRangeException(nameof(history), history, "There is no such choice.");
        }
    }

    private static bool IsFinal(HarmonyMessage message) =>
        message.Role == HarmonyRole.Assistant && IsOn(message, HarmonyChannel.Final);

    private static bool IsReasoning(HarmonyMessage message) =>
        message is { Role: HarmonyRole.Assistant, Recipient: null } && IsOn(message, HarmonyChannel.Analysis);

    private static bool IsOn(HarmonyMessage message, string channel) =>
        string.Equals(message.Channel, channel, StringComparison.Ordinal);

    private static int LastIndex(IReadOnlyList<HarmonyMessage> messages, Func<HarmonyMessage, bool> condition)
    {
        var index = messages.Count - 1;
        while (index >= 0 && !condition(messages[index]))
        {
            index--;
        }

        return index;
    }
}
