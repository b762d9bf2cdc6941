namespace GptOss.Net;

/// <summary>A model could not be downloaded. What was fetched so far stays in the cache; loading again resumes there.</summary>
public sealed class ModelDownloadException : GptOssException
{
    /// <summary>Initializes a new instance of the <see cref="ModelDownloadException"/> class.</summary>
    public ModelDownloadException()
    {
    }

    /// <summary>Initializes a new instance with what went wrong and what to change.</summary>
    /// <param name="message">What went wrong, with numbers, and what to change.</param>
    public ModelDownloadException(string message)
        : base(message)
    {
    }

    /// <summary>Initializes a new instance with what went wrong, what to change, and the cause.</summary>
    /// <param name="message">What went wrong, with numbers, and what to change.</param>
    /// <param name="innerException">The cause.</param>
    public ModelDownloadException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
