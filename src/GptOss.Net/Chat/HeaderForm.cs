using GptOss.Net.Harmony;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Chat;

/// <summary>
/// One way to write the header of a message: <c>assistant[Recipient]&lt;|channel|&gt;Channel[&lt;|constrain|&gt;json]&lt;|message|&gt;</c>.
/// </summary>
/// <param name="Kind">What the message is for.</param>
/// <param name="Channel">The text after the channel marker, which may go on with a recipient and a content type.</param>
internal sealed record HeaderForm(MessageKind Kind, string Channel)
{
    private const string ContentType = "json";

    /// <summary>Gets the text after the author, empty or <c> to=functions.name</c>.</summary>
    public string Recipient { get; init; } = "";

    /// <summary>Gets a value indicating whether the content type stands behind a marker of its own.</summary>
    public bool IsConstrained { get; init; }

    /// <summary>Gets what the body must be; any text where this is <see langword="null"/>.</summary>
    public TextState? Body { get; init; }

    /// <summary>Gets the control token that ends the message.</summary>
    public int Terminator => Kind switch
    {
        MessageKind.Call => ControlToken.Call,
        MessageKind.Answer => ControlToken.Return,
        _ => ControlToken.End,
    };

    /// <summary>The text of a part: up to the channel marker, up to the next marker, up to the body.</summary>
    public string Part(int index) => index switch { 0 => Recipient, 1 => Channel, _ => ContentType };

    /// <summary>The control token after a part.</summary>
    public int Separator(int index) => index switch
    {
        0 => ControlToken.Channel,
        1 when IsConstrained => ControlToken.Constrain,
        _ => ControlToken.Message,
    };
}
