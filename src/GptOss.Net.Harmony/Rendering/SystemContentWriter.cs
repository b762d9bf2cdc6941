using System.Globalization;

namespace GptOss.Net.Harmony;

/// <summary>Writes the body of a system message: sections with a blank line between, empty ones left out.</summary>
internal sealed class SystemContentWriter(ToolSectionWriter toolWriter, bool hasFunctions)
{
    /// <summary>The body.</summary>
    public string Write(SystemContent content)
    {
        string?[] sections =
        [
            Identity(content),
            $"Reasoning: {EffortName(content.ReasoningEffort)}",
            toolWriter.Write(content.ToolNamespaces),
            Channels(content),
        ];
        return string.Join("\n\n", sections.Where(section => !string.IsNullOrEmpty(section)));
    }

    private static string Identity(SystemContent content)
    {
        string?[] lines =
        [
            content.Identity,
            content.KnowledgeCutoff is { } cutoff ? $"Knowledge cutoff: {cutoff}" : null,
            content.CurrentDate is { } date ? $"Current date: {date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}" : null,
        ];
        return string.Join('\n', lines.Where(line => line is not null));
    }

    private static string EffortName(ReasoningEffort effort) => effort switch
    {
        ReasoningEffort.Low => "low",
        ReasoningEffort.Medium => "medium",
        ReasoningEffort.High => "high",
        _ => throw new ArgumentOutOfRangeException(nameof(effort), effort, "There is no such effort."),
    };

    private string? Channels(SystemContent content)
    {
        if (content.Channels.Count == 0)
        {
            return null;
        }

        var section = $"# Valid channels: {string.Join(", ", content.Channels)}.";
        section += content.ChannelRequired ? " Channel must be included for every message." : string.Empty;
        return hasFunctions
            ? section + "\nCalls to these tools must go to the commentary channel: 'functions'."
            : section;
    }
}
