using Microsoft.Extensions.Logging;

namespace GptOss.Net.Engine;

/// <summary>What the engine needs besides scheduler and executor.</summary>
/// <param name="MaxRequests">The most requests that run or wait; more are refused.</param>
/// <param name="TimeProvider">The clock of the deadlines.</param>
/// <param name="Logger">Where failures are logged.</param>
internal sealed record EngineOptions(int MaxRequests, TimeProvider TimeProvider, ILogger Logger);
