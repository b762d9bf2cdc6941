namespace GptOss.Net;

/// <summary>The model does not fit the devices as asked for; nothing was allocated.</summary>
/// <remarks>The message names the device, what it would need, what it has, and settings that would fit.</remarks>
public sealed class PlacementException : GptOssException
{
    /// <summary>Initializes a new instance of the <see cref="PlacementException"/> class.</summary>
    public PlacementException()
    {
    }

    /// <summary>Initializes a new instance with what does not fit and what to change.</summary>
    /// <param name="message">What does not fit, with numbers, and what to change.</param>
    public PlacementException(string message)
        : base(message)
    {
    }

    /// <summary>Initializes a new instance with what does not fit, what to change, and the cause.</summary>
    /// <param name="message">What does not fit, with numbers, and what to change.</param>
    /// <param name="innerException">The cause.</param>
    public PlacementException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
