using System.Globalization;
using System.Text;
using System.Text.Json;
using GptOss.Net.StructuredOutput;
using Json.Schema;

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

    /// <summary>The schema for the validator, in a registry of its own: the one that all share is not made for several threads.</summary>
    public static JsonSchema Validator(string schema) =>
        JsonSchema.FromText(schema, new BuildOptions { SchemaRegistry = new SchemaRegistry() });

    /// <summary>
    /// Whether the validator that the tests use finds a text valid. It counts what a reader sees as one character, JSON Schema code points:
    /// where that differs it is not asked.
    /// </summary>
    public static bool IsValid(JsonSchema validator, string text) =>
        new StringInfo(text).LengthInTextElements != text.EnumerateRunes().Count() || validator.Evaluate(JsonElement.Parse(text)).IsValid;
}
