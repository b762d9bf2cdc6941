using System.Text.Json;
using GptOss.Net.Harmony;
using GptOss.Net.StructuredOutput.Json;
using GptOss.Net.StructuredOutput.Schemas;

namespace GptOss.Net.StructuredOutput;

/// <summary>The JSON texts that a schema allows, as an automaton. Immutable; compile once and share it.</summary>
/// <remarks>docs/structured-output.md says what is enforced.</remarks>
internal sealed class JsonSchemaGrammar
{
    /// <summary>Any JSON object.</summary>
    public static readonly JsonSchemaGrammar AnyObject = new(null, AnyJson.Object, []);

    private readonly ValueRule _rule;

    private JsonSchemaGrammar(SchemaModel? model, ValueRule rule, IReadOnlyList<SchemaOmission> omissions) =>
        (Model, _rule, Omissions) = (model, rule, omissions);

    /// <summary>What the schema means; null for any object.</summary>
    public SchemaModel? Model { get; }

    /// <summary>What of the schema is not enforced.</summary>
    public IReadOnlyList<SchemaOmission> Omissions { get; }

    /// <summary>Compiles the schema of an answer: at most 250 ms and 32 MB, whatever it is.</summary>
    /// <exception cref="ArgumentException">The schema is malformed, too large, or has no values; the message names the place.</exception>
    /// <exception cref="NotSupportedException">
    /// The schema asks for something that cannot be enforced; the message names the place.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static JsonSchemaGrammar Compile(JsonElement schema, CancellationToken cancellationToken = default)
    {
        var model = SchemaModel.Read(schema, cancellationToken);
        Refuse(model.Omissions);
        if (!model.Root.Node.HasValues)
        {
            Refuse([SchemaDiagnosis.WhyEmpty(model)]);
        }

        var grammar = Create(model, cancellationToken);
        Refuse(grammar.Omissions);
        return grammar;
    }

    /// <summary>Compiles the schema of a tool's arguments, which are an object. What cannot be enforced is left out and listed.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static JsonSchemaGrammar CompileArguments(JsonElement schema, CancellationToken cancellationToken = default)
    {
        try
        {
            return Create(SchemaModel.ReadArguments(schema, cancellationToken), cancellationToken);
        }
        catch (ArgumentException tooLarge)
        {
            return Create(SchemaModel.AnyArguments(tooLarge), cancellationToken);
        }
    }

    /// <summary>Returns the state before the JSON text.</summary>
    /// <param name="next">What follows the JSON text; by default its end.</param>
    public TextState Start(TextState? next = null) => _rule.Start(next ?? TextEnd.Instance, SchemaLimits.MaxAnswerDepth)!;

    private static JsonSchemaGrammar Create(SchemaModel model, CancellationToken cancellationToken)
    {
        var rule = GrammarCompiler.Compile(model, out var omissions, cancellationToken);
        return new JsonSchemaGrammar(model, rule, [.. model.Omissions, .. omissions]);
    }

    private static void Refuse(IReadOnlyList<SchemaOmission> omissions)
    {
        if (omissions.FirstOrDefault(omission => omission.Kind != SchemaOmissionKind.Documented) is { } omission)
        {
            throw omission.Kind == SchemaOmissionKind.Invalid
                ? SchemaRefusal.Invalid(omission.Path, omission.Problem)
                : SchemaRefusal.Unsupported(omission.Path, omission.Problem);
        }
    }
}
