using System.Collections.Concurrent;
using GptOss.Net.AspNetCore.Contracts;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>Logs the fields that are ignored because nothing here knows them, each name once.</summary>
internal sealed class UnknownFields(ILoggerFactory loggers)
{
    private const int MaxNames = 256; // names come from clients
    private const int MaxNameLength = 64;

    private readonly ILogger _logger = loggers.CreateLogger("GptOss.Net.AspNetCore");
    private readonly ConcurrentDictionary<string, bool> _names = new(StringComparer.Ordinal);

    public void Log(IRequestBody body)
    {
        foreach (var name in body.Unknown?.Keys ?? Enumerable.Empty<string>())
        {
            if (name.Length <= MaxNameLength && _names.Count < MaxNames && _names.TryAdd(name, true))
            {
                _logger.FieldIgnored(name);
            }
        }
    }
}
