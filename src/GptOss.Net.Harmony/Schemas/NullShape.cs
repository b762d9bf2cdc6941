namespace GptOss.Net.Harmony;

/// <summary>Null.</summary>
internal sealed record NullShape : SchemaShape;
