namespace GptOss.Net.Harmony;

/// <summary>The body of a developer message. Send no developer message when all of it is empty.</summary>
public sealed class DeveloperContent : HarmonyContent
{
    /// <summary>What the application tells the model; elsewhere known as the system prompt.</summary>
    /// <value>Default null: the section is left out.</value>
    public string? Instructions { get; init; }

    /// <summary>The functions of the application, usually one namespace named <see cref="ToolNamespace.Functions"/>.</summary>
    /// <value>Default none.</value>
    public IReadOnlyList<ToolNamespace> ToolNamespaces { get; init; } = [];

    /// <summary>The shape the final answer shall have.</summary>
    /// <value>Default null. The prompt alone does not guarantee it; constrain the sampling too.</value>
    public ResponseFormat? ResponseFormat { get; init; }
}
