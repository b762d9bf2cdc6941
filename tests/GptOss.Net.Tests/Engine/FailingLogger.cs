using Microsoft.Extensions.Logging;

namespace GptOss.Net.Tests.Engine;

/// <summary>A logger that throws whatever it is told.</summary>
internal sealed class FailingLogger : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        throw new InvalidOperationException("The log is full.");
}
