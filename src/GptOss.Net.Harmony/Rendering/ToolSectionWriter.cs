using System.Text;

namespace GptOss.Net.Harmony;

/// <summary>Writes the <c># Tools</c> section: TypeScript namespaces in alphabetical order, one function type for each tool.</summary>
internal sealed class ToolSectionWriter(SchemaRendering rendering)
{
    private readonly TypeScriptTypeWriter _typeWriter = new(rendering);

    /// <summary>The section, or null without namespaces.</summary>
    public string? Write(IReadOnlyList<ToolNamespace> namespaces) => namespaces.Count == 0
        ? null
        : "# Tools\n\n" + string.Join("\n\n", namespaces.OrderBy(tools => tools.Name, StringComparer.Ordinal).Select(Write));

    private string Write(ToolNamespace tools)
    {
        var name = Name(tools.Name);
        var prefix = tools.Tools.Count > 0 ? "// " : string.Empty;
        var lines = new List<string> { $"## {name}\n" };
        lines.AddRange(TextLines.Split(tools.Description).Select(line => prefix + line));
        if (tools.Tools.Count > 0)
        {
            lines.Add($"namespace {name} {{\n");
            lines.AddRange(tools.Tools.Select(Write));
            lines.Add($"}} // namespace {name}");
        }

        return string.Join('\n', lines);
    }

    private string Write(ToolDescription tool)
    {
        var text = new StringBuilder();
        foreach (var line in TextLines.Split(tool.Description))
        {
            text.Append("// ").Append(line).Append('\n');
        }

        var arguments = tool.Parameters is { } schema ? _typeWriter.WriteArguments(schema) : string.Empty;
        return text.Append("type ").Append(Name(tool.Name)).Append(" = (").Append(arguments).Append(") => any;\n").ToString();
    }

    /// <summary>A line break in a name must not begin a line of its own in the prompt.</summary>
    private string Name(string name) => rendering == SchemaRendering.Exact ? name : TextLines.Join(name);
}
