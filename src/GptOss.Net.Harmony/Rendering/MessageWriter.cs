namespace GptOss.Net.Harmony;

/// <summary>
/// Writes messages: <c>&lt;|start|&gt;author[ to=recipient][&lt;|channel|&gt;channel][ content type]&lt;|message|&gt;body</c> and the
/// terminator. Each part of the header is encoded apart, as OpenAI's library does.
/// </summary>
internal sealed class MessageWriter(TokenWriter tokens, ToolSectionWriter toolWriter, bool hasFunctions)
{
    private const string ConstrainMarker = "<|constrain|>";
    private const string Everybody = "all"; // a recipient that is not written, though it makes the message a call

    private readonly SystemContentWriter _systemWriter = new(toolWriter, hasFunctions);
    private readonly DeveloperContentWriter _developerWriter = new(toolWriter);

    /// <summary>Adds a message.</summary>
    public void Write(HarmonyMessage message)
    {
        tokens.Control(ControlToken.Start);
        WriteAuthor(message);
        if (message.Recipient is { } recipient && !string.Equals(recipient, Everybody, StringComparison.Ordinal))
        {
            tokens.Text($" to={recipient}");
        }

        if (message.Channel is { } channel)
        {
            tokens.Control(ControlToken.Channel);
            tokens.Text(channel);
        }

        WriteContentType(message.ContentType);
        tokens.Control(ControlToken.Message);
        foreach (var content in message.Content)
        {
            if (content is HarmonyTokens written)
            {
                tokens.Ordinary(written.Ids);
            }
            else
            {
                tokens.Text(TextOf(content, message.Role));
            }
        }

        tokens.Control(message is { Role: HarmonyRole.Assistant, Recipient: not null } ? ControlToken.Call : ControlToken.End);
    }

    private void WriteAuthor(HarmonyMessage message)
    {
        if (message.Role == HarmonyRole.Tool)
        {
            tokens.Text(message.AuthorName ?? throw new ArgumentException(
                "A tool message needs AuthorName: the recipient of the call it answers, such as 'functions.get_weather'.",
                nameof(message)));
            return;
        }

        tokens.Text(HarmonyRoleNames.Of(message.Role));
        if (message.AuthorName is { } name)
        {
            tokens.Text($":{name}");
        }
    }

    private void WriteContentType(string? contentType)
    {
        if (contentType is null)
        {
            return;
        }

        if (!contentType.StartsWith(ConstrainMarker, StringComparison.Ordinal))
        {
            tokens.Text($" {contentType}");
            return;
        }

        tokens.Text(" ");
        tokens.Control(ControlToken.Constrain);
        tokens.Text(contentType[ConstrainMarker.Length..]);
    }

    private string TextOf(HarmonyContent content, HarmonyRole role) => content switch
    {
        HarmonyText text => text.Text,
        SystemContent system when role == HarmonyRole.System => _systemWriter.Write(system),
        DeveloperContent developer when role == HarmonyRole.Developer => _developerWriter.Write(developer),
        _ => throw new ArgumentException($"{content.GetType().Name} cannot be part of a message with the role {role}.", nameof(content)),
    };
}
