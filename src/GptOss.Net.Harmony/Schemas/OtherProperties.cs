namespace GptOss.Net.Harmony;

/// <summary>Properties that are not declared.</summary>
/// <param name="Names">Their names.</param>
/// <param name="Value">Their values.</param>
internal sealed record OtherProperties(StringShape Names, SchemaUse Value);
