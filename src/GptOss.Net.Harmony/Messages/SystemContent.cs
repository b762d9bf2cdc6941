namespace GptOss.Net.Harmony;

/// <summary>The body of a system message. The defaults are the ones the model was trained with.</summary>
public sealed class SystemContent : HarmonyContent
{
    /// <summary>The first line: who the model is.</summary>
    /// <value>Default <c>You are ChatGPT, a large language model trained by OpenAI.</c>; null leaves the line out.</value>
    public string? Identity { get; init; } = "You are ChatGPT, a large language model trained by OpenAI.";

    /// <summary>When the model's knowledge ends, as a month.</summary>
    /// <value>Default <c>2024-06</c>; null leaves the line out.</value>
    public string? KnowledgeCutoff { get; init; } = "2024-06";

    /// <summary>The day the conversation takes place.</summary>
    /// <value>Default null: the line is left out.</value>
    public DateOnly? CurrentDate { get; init; }

    /// <summary>How much the model reasons.</summary>
    /// <value>Default <see cref="ReasoningEffort.Medium"/>.</value>
    public ReasoningEffort ReasoningEffort { get; init; } = ReasoningEffort.Medium;

    /// <summary>The channels the model may write to.</summary>
    /// <value>Default analysis, commentary and final; empty leaves the section out.</value>
    public IReadOnlyList<string> Channels { get; init; } =
        [HarmonyChannel.Analysis, HarmonyChannel.Commentary, HarmonyChannel.Final];

    /// <summary>Whether the prompt demands a channel for every message.</summary>
    /// <value>Default true.</value>
    public bool ChannelRequired { get; init; } = true;

    /// <summary>Built-in tools, such as <c>browser</c>, that the model calls on the analysis channel.</summary>
    /// <value>Default none. Functions of the application belong to <see cref="DeveloperContent.ToolNamespaces"/>.</value>
    public IReadOnlyList<ToolNamespace> ToolNamespaces { get; init; } = [];
}
