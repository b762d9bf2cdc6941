namespace GptOss.Net.StructuredOutput.Json;

/// <summary>A declared property of an object.</summary>
/// <param name="Name">The name as text.</param>
/// <param name="Value">The rule of the value.</param>
/// <param name="IsRequired">Whether it must be there.</param>
internal sealed record ObjectProperty(string Name, ValueRule Value, bool IsRequired);
