using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>
/// What a JSON schema means, read once. What the model is told (<see cref="SchemaRendering.Enriched"/>) and what is enforced while it
/// writes are both made of it, so that they agree.
/// </summary>
internal sealed class SchemaModel
{
    private static readonly JsonElement Object = JsonElement.Parse("""{"type":"object"}""");

    private SchemaModel(SchemaUse root, IReadOnlyList<SchemaOmission> omissions) => (Root, Omissions) = (root, omissions);

    /// <summary>The whole value.</summary>
    public SchemaUse Root { get; }

    /// <summary>What of the schema is not enforced.</summary>
    public IReadOnlyList<SchemaOmission> Omissions { get; }

    /// <summary>Reads a schema: at most 250 ms and 32 MB, whatever it is.</summary>
    /// <exception cref="ArgumentException">The schema is too large.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static SchemaModel Read(JsonElement schema, CancellationToken cancellationToken = default) =>
        Read(schema, SchemaFacts.None, cancellationToken);

    /// <summary>
    /// Reads the schema of a tool's arguments, which are always an object. What the schema says narrows them as far as it can be
    /// understood: one that is too large, or allows no object, counts as one that says nothing.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static SchemaModel ReadArguments(JsonElement schema, CancellationToken cancellationToken = default)
    {
        try
        {
            var model = Read(schema, SchemaFacts.None with { Types = JsonTypes.Object }, cancellationToken);
            return model.Root.Node.HasValues ? model : AnyArguments(SchemaDiagnosis.WhyEmpty(model));
        }
        catch (ArgumentException tooLarge)
        {
            return AnyArguments(tooLarge);
        }
    }

    /// <summary>Any object, because a schema is too large.</summary>
    public static SchemaModel AnyArguments(ArgumentException tooLarge) =>
        AnyArguments(new SchemaOmission(SchemaPath.Root, tooLarge.Message, SchemaOmissionKind.Invalid));

    private static SchemaModel AnyArguments(SchemaOmission failure) => new(Read(Object).Root, [failure]);

    private static SchemaModel Read(JsonElement schema, SchemaFacts facts, CancellationToken cancellationToken)
    {
        var omissions = new SchemaOmissions();
        var root = new SchemaReader(schema, omissions, cancellationToken).Read(facts);
        return new SchemaModel(root, omissions.Listed);
    }
}
