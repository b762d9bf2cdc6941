namespace GptOss.Net;

/// <summary>A checkpoint is damaged, incomplete, hostile or in a format that is not supported.</summary>
public sealed class CheckpointException : GptOssException
{
    /// <summary>Initializes a new instance of the <see cref="CheckpointException"/> class.</summary>
    public CheckpointException()
    {
    }

    /// <summary>Initializes a new instance with what is wrong and what was expected.</summary>
    /// <param name="message">What is wrong and what was expected.</param>
    public CheckpointException(string message)
        : base(message)
    {
    }

    /// <summary>Initializes a new instance with what is wrong, what was expected, and the cause.</summary>
    /// <param name="message">What is wrong and what was expected.</param>
    /// <param name="innerException">The cause.</param>
    public CheckpointException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    internal CheckpointException(string message, string? file, string? tensor, Exception? innerException = null)
        : base(Describe(message, file, tensor), innerException)
    {
        File = file;
        Tensor = tensor;
    }

    /// <summary>Gets the file that the problem is in, or <see langword="null"/> if it concerns the whole checkpoint.</summary>
    public string? File { get; }

    /// <summary>Gets the name of the tensor that the problem is in, or <see langword="null"/> if it is not in one tensor.</summary>
    public string? Tensor { get; }

    private static string Describe(string message, string? file, string? tensor) => (file, tensor) switch
    {
        (null, null) => message,
        (null, _) => $"Tensor '{tensor}': {message}",
        (_, null) => $"{file}: {message}",
        _ => $"{file}: tensor '{tensor}': {message}",
    };
}
