namespace GptOss.Net;

/// <summary>
/// A generation ended because its reader did not come for its tokens: see <see cref="GenerationOptions.MaxUnreadTokens"/>.
/// </summary>
public sealed class UnreadTokensException : GptOssException
{
    /// <summary>Initializes a new instance of the <see cref="UnreadTokensException"/> class.</summary>
    public UnreadTokensException()
    {
    }

    /// <inheritdoc cref="GptOssException(string)"/>
    public UnreadTokensException(string message)
        : base(message)
    {
    }

    /// <inheritdoc cref="GptOssException(string, Exception)"/>
    public UnreadTokensException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    internal UnreadTokensException(int maxUnreadTokens)
        : base(
            $"The generation ended because more than {maxUnreadTokens:N0} of its tokens were not read. Read faster, or allow more with "
            + $"{nameof(GenerationOptions.MaxUnreadTokens)}.")
    {
    }
}
