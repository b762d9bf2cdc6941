using Microsoft.Extensions.Logging;

namespace GptOss.Net.TestUtils;

/// <summary>Keeps what is logged, by whomever.</summary>
internal sealed class RecordingLoggerFactory : ILoggerFactory, ILogger
{
    public List<string> Texts { get; } = [];

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Texts.Add(formatter(state, exception));

    public void Dispose()
    {
    }
}
