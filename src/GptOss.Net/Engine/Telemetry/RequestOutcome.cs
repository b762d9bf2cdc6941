namespace GptOss.Net.Engine.Telemetry;

/// <summary>How a request ended.</summary>
internal enum RequestOutcome
{
    Finished,
    Cancelled,
    Failed,
}
