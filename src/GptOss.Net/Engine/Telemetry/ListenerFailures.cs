using Microsoft.Extensions.Logging;

namespace GptOss.Net.Engine.Telemetry;

/// <summary>
/// What listeners throw. They are foreign code on the engine's thread: their failures end no request, and the first one is logged.
/// </summary>
internal sealed class ListenerFailures(ILogger logger)
{
    private readonly ILogger _logger = logger;
    private bool _isLogged;

    /// <summary>Calls what may call listeners.</summary>
    public void Guard(Action notify)
    {
        try
        {
            notify();
        }
#pragma warning disable CA1031 // Reported.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Add(exception);
        }
    }

    public void Add(Exception exception)
    {
        if (!_isLogged)
        {
            _isLogged = true;
            _logger.ListenerFailed(exception);
        }
    }
}
