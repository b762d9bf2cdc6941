using System.Text.Json;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>One event of a stream.</summary>
internal sealed record ServerEvent(string? Name, string Data)
{
    public JsonElement Json => JsonElement.Parse(Data);

    public bool IsDone => Data == "[DONE]";

    /// <summary>Reads a whole stream, strictly: events end with a blank line, lines with a line feed.</summary>
    public static List<ServerEvent> Parse(string text)
    {
        text.Should().NotContain("\r").And.EndWith("\n\n");
        var events = new List<ServerEvent>();
        foreach (var block in text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            string? name = null;
            string? data = null;
            foreach (var line in block.Split('\n').Where(line => !line.StartsWith(':')))
            {
                (name, data) = line.StartsWith("event: ", StringComparison.Ordinal) ? (line[7..], data)
                    : line.StartsWith("data: ", StringComparison.Ordinal) && data is null ? (name, line[6..])
                    : throw new InvalidDataException($"'{line}' is no line of an event.");
            }

            if (data is not null)
            {
                events.Add(new ServerEvent(name, data));
            }
        }

        return events;
    }
}
