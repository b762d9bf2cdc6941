namespace GptOss.Net.Harmony;

/// <summary>Something a <see cref="HarmonyStreamParser"/> found. Each message is one start, any number of deltas and one end.</summary>
public sealed class HarmonyStreamEvent
{
    internal HarmonyStreamEvent(HarmonyStreamEventKind kind, MessageHeader header) => (Kind, Header) = (kind, header);

    /// <summary>What it is.</summary>
    public HarmonyStreamEventKind Kind { get; }

    /// <summary>The header of the message; the same object for all events of the message.</summary>
    public MessageHeader Header { get; }

    /// <summary>The new text of a delta; otherwise empty.</summary>
    public string Text { get; internal init; } = string.Empty;

    /// <summary>What ended the message; null unless this is the end.</summary>
    public MessageEnding? Ending { get; internal init; }
}
