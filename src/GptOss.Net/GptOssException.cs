namespace GptOss.Net;

/// <summary>A failure of the model, its checkpoint, its devices or its native libraries.</summary>
/// <remarks>Mistakes of the caller are reported as <see cref="ArgumentException"/> instead.</remarks>
public class GptOssException : Exception
{
    /// <summary>Initializes a new instance of the <see cref="GptOssException"/> class.</summary>
    public GptOssException()
    {
    }

    /// <summary>Initializes a new instance with what went wrong and what to change.</summary>
    /// <param name="message">What went wrong, with numbers, and what to change.</param>
    public GptOssException(string message)
        : base(message)
    {
    }

    /// <summary>Initializes a new instance with what went wrong, what to change, and the cause.</summary>
    /// <param name="message">What went wrong, with numbers, and what to change.</param>
    /// <param name="innerException">The cause.</param>
    public GptOssException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
