namespace GptOss.Net;

/// <summary>Whether a model serves requests.</summary>
public enum ModelHealth
{
    /// <summary>It serves.</summary>
    Ready = 0,

    /// <summary>It stopped because of an error that it cannot go on from, such as a lost device; load it again.</summary>
    Faulted = 1,

    /// <summary>It was disposed.</summary>
    Disposed = 2,
}
