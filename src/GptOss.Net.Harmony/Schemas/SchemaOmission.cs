namespace GptOss.Net.Harmony;

/// <summary>Something that a schema asks for and that is not enforced.</summary>
/// <param name="Path">Where the schema is.</param>
/// <param name="Problem">What is not enforced, and why.</param>
/// <param name="Kind">What an answer of that schema does.</param>
internal sealed record SchemaOmission(SchemaPath Path, string Problem, SchemaOmissionKind Kind)
{
    public override string ToString() => $"{Path}: {Problem}";
}
