using System.Text.Json;

namespace GptOss.Net.StructuredOutput;

/// <summary>
/// The grammars of the schemas seen last, and those in Lark's notation, so that equal ones share one grammar and its masks. Safe for use
/// by several threads.
/// </summary>
internal sealed class SchemaCache
{
    private const long Capacity = 32L << 20;

    // A generous guess at a grammar, by the characters of its schema.
    private const long BytesPerCharacter = 256;

    // What the automaton of a grammar in Lark's notation may grow to.
    private const long BytesPerLark = 16L << 20;

    private readonly LeastRecentlyUsed<string, bool> _reported = new(Capacity / 32);
    private readonly LeastRecentlyUsed<(string Schema, bool IsArguments), JsonSchemaGrammar> _grammars = new(Capacity);
    private readonly LeastRecentlyUsed<string, LarkGrammar> _larks = new(4 * BytesPerLark);

    /// <summary>Returns the grammar of an answer.</summary>
    /// <inheritdoc cref="JsonSchemaGrammar.Compile"/>
    public JsonSchemaGrammar GetGrammar(JsonElement schema, CancellationToken cancellationToken) =>
        Get(schema, isArguments: false, JsonSchemaGrammar.Compile, cancellationToken);

    /// <summary>Returns the grammar of a tool's arguments.</summary>
    /// <inheritdoc cref="JsonSchemaGrammar.CompileArguments"/>
    public JsonSchemaGrammar GetArguments(JsonElement schema, CancellationToken cancellationToken) =>
        Get(schema, isArguments: true, JsonSchemaGrammar.CompileArguments, cancellationToken);

    /// <summary>Returns the grammar of an answer in Lark's notation.</summary>
    /// <inheritdoc cref="LarkGrammar.Compile"/>
    public LarkGrammar GetLark(string grammar, string parameterName, CancellationToken cancellationToken)
    {
        if (!_larks.TryGet(grammar, out var compiled))
        {
            compiled = LarkGrammar.Compile(grammar, parameterName, cancellationToken);
            _larks.Add(grammar, compiled, BytesPerLark);
        }

        return compiled;
    }

    /// <summary>Returns those of some remarks about schemas that it did not return yet.</summary>
    public IReadOnlyList<string> TakeUnreported(IReadOnlyList<string> remarks)
    {
        List<string> unreported = [];
        foreach (var remark in remarks)
        {
            if (!_reported.TryGet(remark, out _))
            {
                _reported.Add(remark, true, remark.Length * sizeof(char));
                unreported.Add(remark);
            }
        }

        return unreported;
    }

    private JsonSchemaGrammar Get(
        JsonElement schema, bool isArguments, Func<JsonElement, CancellationToken, JsonSchemaGrammar> compile,
        CancellationToken cancellationToken)
    {
        var text = schema.GetRawText();
        if (!_grammars.TryGet((text, isArguments), out var grammar))
        {
            grammar = compile(schema, cancellationToken);
            _grammars.Add((text, isArguments), grammar, text.Length * BytesPerCharacter);
        }

        return grammar;
    }
}
