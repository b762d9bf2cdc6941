using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>From the tools and the response format that are asked for to what the model may write.</summary>
internal static class TurnGrammarMapper
{
    /// <exception cref="ArgumentException">A function is required or allowed that is not there.</exception>
    public static TurnGrammar Map(ChatOptions options, GptOssRequestOptions own, ToolCatalog tools, AnswerGrammar? answer)
    {
        if (own.ReasoningBudget is { } budget)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(budget, nameof(GptOssRequestOptions.ReasoningBudget));
        }

        return TurnGrammar.Create(
            Callable(options.ToolMode, Allowed(own.AllowedTools, tools))
                .ToDictionary(tool => tool.HarmonyName, tool => tool.Arguments.Start(), StringComparer.Ordinal),
            answers: options.ToolMode is not RequiredChatToolMode,
            answer?.Start,
            own.ReasoningBudget ?? int.MaxValue,
            answer?.IsJson ?? true);
    }

    private static IReadOnlyCollection<ToolFunction> Allowed(IReadOnlyList<string>? names, ToolCatalog tools) => names is null
        ? tools.Functions
        : [.. names.Distinct(StringComparer.Ordinal).Select(name => tools.Find(name) ?? throw new ArgumentException(
            $"{nameof(GptOssRequestOptions.AllowedTools)} names '{name}', but ChatOptions.Tools does not hold it.",
            nameof(GptOssRequestOptions.AllowedTools)))];

    private static IReadOnlyCollection<ToolFunction> Callable(ChatToolMode? mode, IReadOnlyCollection<ToolFunction> allowed) => mode switch
    {
        NoneChatToolMode => [],
        RequiredChatToolMode { RequiredFunctionName: { } name } =>
            [allowed.FirstOrDefault(tool => string.Equals(tool.Declaration.Name, name, StringComparison.Ordinal))
                ?? throw Missing($"the function '{name}'")],
        RequiredChatToolMode when allowed.Count == 0 => throw Missing("a function"),
        _ => allowed,
    };

    private static ArgumentException Missing(string what) => new(
        $"ChatOptions.ToolMode requires a call of {what}, but ChatOptions.Tools does not hold it, or it is not allowed.",
        nameof(ChatOptions.ToolMode));
}
