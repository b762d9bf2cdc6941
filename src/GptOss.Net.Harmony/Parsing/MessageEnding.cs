namespace GptOss.Net.Harmony;

/// <summary>What ended a message.</summary>
public enum MessageEnding
{
    /// <summary><c>&lt;|end|&gt;</c>: the turn goes on.</summary>
    End,

    /// <summary><c>&lt;|return|&gt;</c>: the turn is complete.</summary>
    Return,

    /// <summary><c>&lt;|call|&gt;</c>: the model waits for a tool.</summary>
    Call,

    /// <summary><c>&lt;|endoftext|&gt;</c>: the model stopped outside the format.</summary>
    EndOfText,

    /// <summary>The next message began without an end of this one.</summary>
    NextMessage,

    /// <summary>The tokens ended first.</summary>
    Truncated,
}
