namespace GptOss.Net.Harmony;

/// <summary>A place where a value is asked for: what is said about it there, and which values it may be.</summary>
internal sealed record SchemaUse(SchemaTexts Texts, SchemaNode Node);
