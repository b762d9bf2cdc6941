using System.Diagnostics;

namespace GptOss.Net.Engine.Telemetry;

/// <summary>When what happened to a request, as time stamps of the engine's clock; 0 for what has not.</summary>
internal sealed class RequestProgress
{
    public long Arrived { get; set; }

    /// <summary>Gets or sets when its first step began.</summary>
    public long Started { get; set; }

    public long FirstToken { get; set; }

    public long LastToken { get; set; }

    public int OutputTokens { get; set; }

    /// <summary>Gets or sets the caller's span.</summary>
    public ActivityContext Parent { get; set; }

    /// <summary>Gets or sets a value indicating whether a span of the caller reports the usage of tokens.</summary>
    public bool IsUsageReported { get; set; }
}
