namespace GptOss.Net.Harmony;

/// <summary>One message of a conversation.</summary>
public sealed class HarmonyMessage
{
    /// <summary>Who wrote it.</summary>
    public required HarmonyRole Role { get; init; }

    /// <summary>The name of the author. Required for a tool, where it is the recipient of the call: <c>functions.get_weather</c>.</summary>
    /// <value>Default null.</value>
    public string? AuthorName { get; init; }

    /// <summary>Whom it is for: a tool for a call, <c>assistant</c> for a tool's result.</summary>
    /// <value>Default null.</value>
    public string? Recipient { get; init; }

    /// <summary>A <see cref="HarmonyChannel"/>, for messages of the assistant and of tools.</summary>
    /// <value>Default null.</value>
    public string? Channel { get; init; }

    /// <summary>
    /// The format of the body, such as <c>json</c> or <c>&lt;|constrain|&gt;json</c>; only a leading constrain marker becomes a control
    /// token.
    /// </summary>
    /// <value>Default null.</value>
    public string? ContentType { get; init; }

    /// <summary>The body; the parts follow each other with nothing between.</summary>
    public required IReadOnlyList<HarmonyContent> Content { get; init; }

    /// <summary>The text parts of the body, joined.</summary>
    public string Text => string.Concat(Content.OfType<HarmonyText>().Select(part => part.Text));

    /// <summary>Creates a system message.</summary>
    /// <param name="content">The body.</param>
    public static HarmonyMessage FromSystem(SystemContent content) => new() { Role = HarmonyRole.System, Content = [content] };

    /// <summary>Creates a developer message.</summary>
    /// <param name="content">The body.</param>
    public static HarmonyMessage FromDeveloper(DeveloperContent content) => new() { Role = HarmonyRole.Developer, Content = [content] };

    /// <summary>Creates a user message.</summary>
    /// <param name="text">The body.</param>
    public static HarmonyMessage FromUser(string text) => new() { Role = HarmonyRole.User, Content = [new HarmonyText(text)] };

    /// <summary>Creates a message of the assistant to the user or to itself.</summary>
    /// <param name="text">The body.</param>
    /// <param name="channel">A <see cref="HarmonyChannel"/>.</param>
    public static HarmonyMessage FromAssistant(string text, string channel) =>
        new() { Role = HarmonyRole.Assistant, Channel = channel, Content = [new HarmonyText(text)] };

    /// <summary>Creates a function call of the assistant, in the form the model was trained with.</summary>
    /// <param name="recipient">The tool, such as <c>functions.get_weather</c>.</param>
    /// <param name="arguments">The arguments as JSON.</param>
    public static HarmonyMessage FromCall(string recipient, string arguments) => new()
    {
        Role = HarmonyRole.Assistant,
        Recipient = recipient,
        Channel = HarmonyChannel.Commentary,
        ContentType = "<|constrain|>json",
        Content = [new HarmonyText(arguments)],
    };

    /// <summary>Creates the answer of a tool to a call of the assistant.</summary>
    /// <param name="toolName">The recipient of the call, such as <c>functions.get_weather</c>.</param>
    /// <param name="result">The result: text as it is, anything else as JSON.</param>
    public static HarmonyMessage FromTool(string toolName, string result) => new()
    {
        Role = HarmonyRole.Tool,
        AuthorName = toolName,
        Recipient = "assistant",
        Channel = HarmonyChannel.Commentary,
        Content = [new HarmonyText(result)],
    };
}
