namespace GptOss.Net.Harmony;

/// <summary>Writes the body of a developer message: instructions, tools, response format.</summary>
internal sealed class DeveloperContentWriter(ToolSectionWriter toolWriter)
{
    /// <summary>The body.</summary>
    public string Write(DeveloperContent content)
    {
        string?[] sections =
        [
            content.Instructions is { } instructions ? $"# Instructions\n\n{instructions}" : null,
            toolWriter.Write(content.ToolNamespaces),
            content.ResponseFormat is { } format ? Format(format) : null,
        ];
        return string.Join("\n\n", sections.Where(section => section is not null));
    }

    private static string Format(ResponseFormat format)
    {
        var comment = string.Concat(TextLines.Split(format.Description).Select(line => $"// {line}\n"));
        return $"# Response Formats\n\n## {TextLines.Join(format.Name)}\n\n{comment}{JsonText.Compact(format.Schema)}";
    }
}
