namespace GptOss.Net;

/// <summary>A native library (libtorch, TorchSharp's native part or the CUDA driver) could not be found or loaded.</summary>
/// <remarks>The message says what was looked for and where, what the system's loader said, and which package or option to set.</remarks>
public sealed class NativeLibraryException : GptOssException
{
    /// <summary>Initializes a new instance of the <see cref="NativeLibraryException"/> class.</summary>
    public NativeLibraryException()
    {
    }

    /// <summary>Initializes a new instance with what could not be loaded and what to change.</summary>
    /// <param name="message">What could not be loaded and what to change.</param>
    public NativeLibraryException(string message)
        : base(message)
    {
    }

    /// <summary>Initializes a new instance with what could not be loaded, what to change, and the cause.</summary>
    /// <param name="message">What could not be loaded and what to change.</param>
    /// <param name="innerException">The cause.</param>
    public NativeLibraryException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
