namespace GptOss.Net;

/// <summary>
/// A prompt has more tokens than the model was loaded for, which are at most <see cref="GptOssModel.MaxModelLength"/> − 1.
/// </summary>
/// <remarks><see cref="GptOssChatClient.CountTokensAsync"/> tells the tokens of a conversation beforehand.</remarks>
public sealed class ContextLengthExceededException : ArgumentException
{
    /// <summary>Initializes a new instance of the <see cref="ContextLengthExceededException"/> class.</summary>
    public ContextLengthExceededException()
    {
    }

    /// <summary>Initializes a new instance with what is too long and what to change.</summary>
    /// <param name="message">What is too long, with numbers, and what to change.</param>
    public ContextLengthExceededException(string? message)
        : base(message)
    {
    }

    /// <summary>Initializes a new instance with what is too long, what to change, and the cause.</summary>
    /// <param name="message">What is too long, with numbers, and what to change.</param>
    /// <param name="innerException">The cause.</param>
    public ContextLengthExceededException(string? message, Exception? innerException)
        : base(message, innerException)
    {
    }

    internal ContextLengthExceededException(int requiredTokens, int maxTokens, string paramName, bool isExact = true)
        : base(
            $"The prompt has {(isExact ? "" : "at least ")}{requiredTokens:N0} tokens; at most {maxTokens:N0} fit. "
            + $"Shorten it, or load the model with a larger {nameof(GptOssModelOptions.MaxModelLength)}.",
            paramName) =>
        (RequiredTokens, MaxTokens, IsExact) = (requiredTokens, maxTokens, isExact);

    /// <summary>Gets how many tokens the prompt has, or at least has.</summary>
    public int RequiredTokens { get; }

    /// <summary>Gets how many tokens a prompt may have.</summary>
    public int MaxTokens { get; }

    /// <summary>
    /// Gets a value indicating whether the prompt has exactly <see cref="RequiredTokens"/>. A text that is so long that it cannot fit is
    /// refused before it is encoded; then it has more.
    /// </summary>
    public bool IsExact { get; }
}
