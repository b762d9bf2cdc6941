namespace GptOss.Net.Harmony;

/// <summary>True or false.</summary>
internal sealed record BooleanShape : SchemaShape;
