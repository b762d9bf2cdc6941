namespace GptOss.Net.Harmony;

/// <summary>Turns a conversation into the token ids the model was trained on.</summary>
/// <remarks>
/// Every text, name and schema is encoded as ordinary text; the renderer itself adds the control tokens. Safe for use by several threads.
/// All methods throw <see cref="ArgumentException"/> for a tool message without a name, system content outside a system message, or
/// developer content outside a developer message.
/// </remarks>
public sealed class HarmonyRenderer
{
    private readonly HarmonyTokenizer _tokenizer;
    private readonly HarmonyRendererOptions _options;

    /// <summary>Creates a renderer.</summary>
    /// <param name="tokenizer">Encodes the text.</param>
    /// <param name="options">Null for the defaults.</param>
    public HarmonyRenderer(HarmonyTokenizer tokenizer, HarmonyRendererOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        _tokenizer = tokenizer;
        _options = options ?? new HarmonyRendererOptions();
    }

    /// <summary>Renders a conversation, nothing more.</summary>
    /// <param name="messages">The conversation, oldest first.</param>
    public int[] Render(IReadOnlyList<HarmonyMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return Write(AnalysisFilter.Apply(messages, _options.AnalysisHistory)).ToArray();
    }

    /// <summary>Renders a prompt: the conversation, and the beginning of the assistant's next message.</summary>
    /// <param name="messages">The conversation, oldest first.</param>
    public int[] RenderForCompletion(IReadOnlyList<HarmonyMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return WriteForCompletion(messages).ToArray();
    }

    /// <summary>
    /// Renders a training example: a final answer at the end is closed as the model itself closes it, with <c>&lt;|return|&gt;</c>, and
    /// the reasoning after the last user message is kept, because it is part of what is learned.
    /// </summary>
    /// <param name="messages">The conversation, oldest first.</param>
    public int[] RenderForTraining(IReadOnlyList<HarmonyMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var turnStart = messages.Count;
        while (turnStart > 0 && messages[turnStart - 1].Role is HarmonyRole.Assistant or HarmonyRole.Tool)
        {
            turnStart--;
        }

        var history = AnalysisFilter.Apply([.. messages.Take(turnStart)], _options.AnalysisHistory);
        var writer = Write([.. history, .. messages.Skip(turnStart)]);
        if (messages is [.., { Role: HarmonyRole.Assistant, Recipient: null, Channel: HarmonyChannel.Final }])
        {
            writer.ReplaceLast(ControlToken.Return);
        }

        return writer.ToArray();
    }

    /// <summary>A prompt whose text is not encoded yet.</summary>
    internal TokenWriter WriteForCompletion(IReadOnlyList<HarmonyMessage> messages)
    {
        var writer = Write(AnalysisFilter.Apply(messages, _options.AnalysisHistory));
        writer.Control(ControlToken.Start);
        writer.Text(HarmonyRoleNames.Of(HarmonyRole.Assistant));
        return writer;
    }

    private TokenWriter Write(IReadOnlyList<HarmonyMessage> messages)
    {
        var writer = new TokenWriter(_tokenizer);
        var messageWriter = new MessageWriter(writer, new ToolSectionWriter(_options.SchemaRendering), HasFunctions(messages));
        foreach (var message in messages)
        {
            messageWriter.Write(message);
        }

        return writer;
    }

    private static bool HasFunctions(IReadOnlyList<HarmonyMessage> messages) => messages
        .SelectMany(message => message.Content)
        .OfType<DeveloperContent>()
        .SelectMany(content => content.ToolNamespaces)
        .Any(tools => string.Equals(tools.Name, ToolNamespace.Functions, StringComparison.Ordinal) && tools.Tools.Count > 0);
}
