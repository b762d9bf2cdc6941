namespace GptOss.Net.Chat;

/// <summary>What a message is for.</summary>
internal enum MessageKind
{
    /// <summary>Reasoning; another message follows.</summary>
    Thought,

    /// <summary>Words to the user before the answer or a call; another message follows.</summary>
    Preamble,

    /// <summary>A function call, the last message of a turn.</summary>
    Call,

    /// <summary>The answer, the last message of a turn.</summary>
    Answer,
}
