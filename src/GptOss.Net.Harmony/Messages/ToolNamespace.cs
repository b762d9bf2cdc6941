namespace GptOss.Net.Harmony;

/// <summary>A group of tools. The model calls tool <c>b</c> of namespace <c>a</c> with the recipient <c>a.b</c>.</summary>
public sealed class ToolNamespace
{
    /// <summary>The namespace of an application's functions.</summary>
    public const string Functions = "functions";

    /// <summary>The name, an identifier.</summary>
    public required string Name { get; init; }

    /// <summary>What the tools have in common.</summary>
    /// <value>Default null. With no tools at all this is the whole section.</value>
    public string? Description { get; init; }

    /// <summary>The tools, in the order the model reads them.</summary>
    /// <value>Default none.</value>
    public IReadOnlyList<ToolDescription> Tools { get; init; } = [];
}
