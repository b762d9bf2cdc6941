namespace GptOss.Net;

/// <summary>A CUDA device, its driver or its run-time compiler refused a call.</summary>
/// <remarks>
/// The message names the call, the device and the driver's own words. After a lost device no call on it succeeds in this process.
/// </remarks>
public sealed class CudaException : GptOssException
{
    internal const int NoAnswer = 702; // CUDA_ERROR_LAUNCH_TIMEOUT

    private const int OutOfMemory = 2; // CUDA_ERROR_OUT_OF_MEMORY

    /// <summary>Initializes a new instance of the <see cref="CudaException"/> class.</summary>
    public CudaException()
    {
    }

    /// <summary>Initializes a new instance with what went wrong and what to change.</summary>
    /// <param name="message">What went wrong and what to change.</param>
    public CudaException(string message)
        : base(message)
    {
    }

    /// <summary>Initializes a new instance with what went wrong, what to change, and the cause.</summary>
    /// <param name="message">What went wrong and what to change.</param>
    /// <param name="innerException">The cause.</param>
    public CudaException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    internal CudaException(string call, DeviceId device, int code, string description, string? log = null)
        : base(
            $"{call} on {device} failed: {description} ({code})."
            + (string.IsNullOrWhiteSpace(log) ? "" : $"{Environment.NewLine}{log.Trim()}"))
    {
        Call = call;
        Device = device;
        Code = code;
        Log = log;
    }

    /// <summary>Gets the call that failed, or <see langword="null"/> if it was none.</summary>
    public string? Call { get; }

    /// <summary>Gets the device, or <see langword="null"/> if the failure is not one device's.</summary>
    public DeviceId? Device { get; }

    /// <summary>Gets the driver's or the compiler's error code; 0 if there is none.</summary>
    public int Code { get; }

    /// <summary>Gets a value indicating whether the device, or page-locked main memory, has too little left.</summary>
    public bool IsOutOfMemory => Code == OutOfMemory;

    /// <summary>Gets what the compiler or the driver's loader wrote.</summary>
    public string? Log { get; }
}
