namespace GptOss.Net;

/// <summary>The model computed NaN or infinite logits for a sequence; that sequence ends, others are not affected.</summary>
/// <remarks>
/// Usual causes are damaged weights, or arithmetic in float16, which gpt-oss overflows. Without this error the output would silently
/// turn into one repeated token.
/// </remarks>
public sealed class NonFiniteLogitsException : GptOssException
{
    /// <summary>Initializes a new instance of the <see cref="NonFiniteLogitsException"/> class.</summary>
    public NonFiniteLogitsException()
    {
    }

    /// <summary>Initializes a new instance with what went wrong and what to change.</summary>
    /// <param name="message">What went wrong, with numbers, and what to change.</param>
    public NonFiniteLogitsException(string message)
        : base(message)
    {
    }

    /// <summary>Initializes a new instance with what went wrong, what to change, and the cause.</summary>
    /// <param name="message">What went wrong, with numbers, and what to change.</param>
    /// <param name="innerException">The cause.</param>
    public NonFiniteLogitsException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
