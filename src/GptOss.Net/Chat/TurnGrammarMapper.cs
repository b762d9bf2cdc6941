using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>From the tools and the response format that are asked for to what the model may write.</summary>
internal static class TurnGrammarMapper
{
    /// <exception cref="ArgumentException">A function is required that is not there.</exception>
    public static TurnGrammar Map(ChatOptions options, ToolCatalog tools, AnswerGrammar? answer, int? reasoningBudget)
    {
        if (reasoningBudget is { } budget)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(budget, nameof(GptOssRequestOptions.ReasoningBudget));
        }

        return TurnGrammar.Create(
            Callable(options.ToolMode, tools).ToDictionary(tool => tool.HarmonyName, tool => tool.Arguments.Start(), StringComparer.Ordinal),
            answers: options.ToolMode is not RequiredChatToolMode,
            answer?.Start,
            reasoningBudget ?? int.MaxValue,
            answer?.IsJson ?? true);
    }

    private static IReadOnlyCollection<ToolFunction> Callable(ChatToolMode? mode, ToolCatalog tools) => mode switch
    {
        NoneChatToolMode => [],
        RequiredChatToolMode { RequiredFunctionName: { } name } => [tools.Find(name) ?? throw Missing($"the function '{name}'")],
        RequiredChatToolMode when tools.Functions.Count == 0 => throw Missing("a function"),
        _ => tools.Functions,
    };

    private static ArgumentException Missing(string what) =>
        new($"ChatOptions.ToolMode requires a call of {what}, but ChatOptions.Tools does not hold it.", nameof(ChatOptions.ToolMode));
}
