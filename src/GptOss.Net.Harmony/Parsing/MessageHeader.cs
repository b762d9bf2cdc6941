namespace GptOss.Net.Harmony;

/// <summary>What stood before the body of a message that the model wrote.</summary>
public sealed class MessageHeader
{
    /// <summary>Who wrote the message.</summary>
    public required HarmonyRole Role { get; init; }

    /// <summary>The name of the author; for a tool always.</summary>
    /// <value>Default null.</value>
    public string? AuthorName { get; init; }

    /// <summary>Whom the message is for, as written: a tool such as <c>functions.get_weather</c> when the message is a call.</summary>
    /// <value>Default null.</value>
    public string? Recipient { get; init; }

    /// <summary>A <see cref="HarmonyChannel"/>. What the model garbled is the channel it resembles, otherwise analysis.</summary>
    /// <value>Default null: the header had no channel.</value>
    public string? Channel { get; init; }

    /// <summary>The format of the body as written, such as <c>json</c>, <c>code</c> or <c>&lt;|constrain|&gt;json</c>.</summary>
    /// <value>Default null.</value>
    public string? ContentType { get; init; }

    /// <summary>Whether the header broke the format and this is the best reading of it. <see cref="RawText"/> has all of it.</summary>
    public bool IsRecovered { get; init; }

    /// <summary>The header as the model wrote it; without the role when the prompt had written that.</summary>
    public string RawText { get; init; } = string.Empty;

    /// <summary>Makes a message of this header and a body.</summary>
    /// <param name="text">The body.</param>
    public HarmonyMessage ToMessage(string text) => new()
    {
        Role = Role,
        AuthorName = AuthorName,
        Recipient = Recipient,
        Channel = Channel,
        ContentType = ContentType,
        Content = [new HarmonyText(text)],
    };
}
