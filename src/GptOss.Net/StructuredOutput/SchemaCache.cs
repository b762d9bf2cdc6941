using System.Text.Json;

namespace GptOss.Net.StructuredOutput;

/// <summary>The grammars of the schemas seen last, so that equal schemas share one grammar and its masks. Safe for use by several threads.</summary>
internal sealed class SchemaCache
{
    private const long Capacity = 32L << 20;

    // A generous guess at a grammar, by the characters of its schema.
    private const long BytesPerCharacter = 256;

    private readonly LeastRecentlyUsed<string, JsonSchemaGrammar> _grammars = new(Capacity);

    /// <inheritdoc cref="JsonSchemaGrammar.Compile"/>
    public JsonSchemaGrammar GetGrammar(JsonElement schema, CancellationToken cancellationToken)
    {
        var text = schema.GetRawText();
        if (!_grammars.TryGet(text, out var grammar))
        {
            grammar = JsonSchemaGrammar.Compile(schema, cancellationToken);
            _grammars.Add(text, grammar, text.Length * BytesPerCharacter);
        }

        return grammar;
    }
}
