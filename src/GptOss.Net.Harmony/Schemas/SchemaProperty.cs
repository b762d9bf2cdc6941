namespace GptOss.Net.Harmony;

/// <summary>A declared property.</summary>
internal sealed record SchemaProperty(string Name, SchemaUse Value, bool IsRequired);
