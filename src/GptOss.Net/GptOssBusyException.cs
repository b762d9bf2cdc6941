namespace GptOss.Net;

/// <summary>So many requests run and wait that no other is taken. Try again later, or allow more to wait.</summary>
public sealed class GptOssBusyException : GptOssException
{
    /// <summary>Initializes a new instance of the <see cref="GptOssBusyException"/> class.</summary>
    public GptOssBusyException()
    {
    }

    /// <inheritdoc cref="GptOssException(string)"/>
    public GptOssBusyException(string message)
        : base(message)
    {
    }

    /// <inheritdoc cref="GptOssException(string, Exception)"/>
    public GptOssBusyException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    internal GptOssBusyException(int maxRequests)
        : base(
            $"{maxRequests:N0} requests run or wait, which is the most that the model takes. Try again later, or load it with a larger "
            + $"{nameof(GptOssModelOptions.MaxWaitingRequests)}.")
    {
    }
}
