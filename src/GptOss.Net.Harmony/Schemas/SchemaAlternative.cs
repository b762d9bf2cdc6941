namespace GptOss.Net.Harmony;

/// <summary>One way to satisfy a choice of a schema.</summary>
/// <param name="Part">What must be satisfied beside the rest; null if nothing.</param>
/// <param name="Facts">Narrows what is known of the value.</param>
/// <param name="IsInstead">Whether the schema with the choice need not be satisfied otherwise.</param>
internal sealed record SchemaAlternative(SchemaPart? Part, Func<SchemaFacts, SchemaFacts>? Facts = null, bool IsInstead = false);
