using System.Text;

namespace GptOss.Net.Harmony;

/// <summary>Writes the <c># Tools</c> section: TypeScript namespaces in alphabetical order, one function type for each tool.</summary>
internal sealed class ToolSectionWriter(SchemaRendering rendering)
{
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
            var names = new SchemaTypeNames(tools.Tools.Select(tool => tool.Name));
            lines.Add($"namespace {name} {{\n");
            lines.AddRange(tools.Tools.SelectMany(tool => Write(tool, names)));
            lines.Add($"}} // namespace {name}");
        }

        return string.Join('\n', lines);
    }

    /// <summary>The types that the arguments refer to by name, and the function.</summary>
    private IEnumerable<string> Write(ToolDescription tool, SchemaTypeNames names)
    {
        if (rendering == SchemaRendering.Exact)
        {
            return [Write(tool, tool.Parameters is { } schema ? TypeScriptTypeWriter.WriteArguments(schema) : string.Empty)];
        }

        if (tool.Model is not { } model)
        {
            return [Write(tool, string.Empty)];
        }

        var writer = new SchemaTypeWriter(names);
        var function = Write(tool, writer.WriteArguments(model));
        return [.. writer.WriteNamed(), function];
    }

    private string Write(ToolDescription tool, string arguments)
    {
        var text = new StringBuilder();
        foreach (var line in TextLines.Split(tool.Description))
        {
            text.Append("// ").Append(line).Append('\n');
        }

        return text.Append("type ").Append(Name(tool.Name)).Append(" = (").Append(arguments).Append(") => any;\n").ToString();
    }

    /// <summary>A line break in a name must not begin a line of its own in the prompt.</summary>
    private string Name(string name) => rendering == SchemaRendering.Exact ? name : TextLines.Join(name);
}
