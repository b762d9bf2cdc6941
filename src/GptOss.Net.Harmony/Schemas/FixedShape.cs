namespace GptOss.Net.Harmony;

/// <summary>One of some values.</summary>
/// <param name="Values">At least one, each as compact JSON, in the order of the schema.</param>
internal sealed record FixedShape(IReadOnlyList<string> Values) : SchemaShape;
