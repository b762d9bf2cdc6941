using System.Text;
using System.Text.Json;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>Short ways to compile schemas and to try texts on them.</summary>
internal static class Schemas
{
    private static readonly JsonSerializerOptions Deep = new() { MaxDepth = 100_000 };

    public static JsonElement Parse(string json) => JsonSerializer.Deserialize<JsonElement>(json, Deep);

    public static JsonSchemaGrammar Compile(string schema) => JsonSchemaGrammar.Compile(Parse(schema));

    public static bool Accepts(JsonSchemaGrammar grammar, string text) =>
        grammar.Start().Advance(Encoding.UTF8.GetBytes(text)) is { IsAccepting: true };

    public static bool Accepts(string schema, string text) => Accepts(Compile(schema), text);
}
