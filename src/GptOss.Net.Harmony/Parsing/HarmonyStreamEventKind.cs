namespace GptOss.Net.Harmony;

/// <summary>What a <see cref="HarmonyStreamEvent"/> reports.</summary>
public enum HarmonyStreamEventKind
{
    /// <summary>A header is complete; a body begins.</summary>
    MessageStarted,

    /// <summary>The body grew.</summary>
    TextDelta,

    /// <summary>The body is complete.</summary>
    MessageEnded,
}
