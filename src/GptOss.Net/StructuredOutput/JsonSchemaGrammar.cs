using System.Text.Json;
using GptOss.Net.StructuredOutput.Json;
using GptOss.Net.StructuredOutput.Schemas;

namespace GptOss.Net.StructuredOutput;

/// <summary>The JSON texts that a schema allows, as an automaton. Immutable; compile once and share it.</summary>
/// <remarks>docs/structured-output.md says what is enforced.</remarks>
internal sealed class JsonSchemaGrammar
{
    /// <summary>Any JSON object.</summary>
    public static readonly JsonSchemaGrammar AnyObject = new(AnyJson.Object);

    private readonly ValueRule _rule;

    private JsonSchemaGrammar(ValueRule rule) => _rule = rule;

    /// <summary>Compiles a schema: at most 250 ms and 32 MB, whatever it is.</summary>
    /// <exception cref="ArgumentException">The schema is malformed, too large, or has no values; the message names the place.</exception>
    /// <exception cref="NotSupportedException">The schema asks for something that cannot be enforced; the message names the place.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static JsonSchemaGrammar Compile(JsonElement schema, CancellationToken cancellationToken = default) =>
        new(SchemaCompiler.Compile(schema, cancellationToken));

    /// <summary>Returns the state before the JSON text.</summary>
    /// <param name="next">What follows the JSON text; by default its end.</param>
    public TextState Start(TextState? next = null) => _rule.Start(next ?? TextEnd.Instance, SchemaLimits.MaxAnswerDepth)!;
}
