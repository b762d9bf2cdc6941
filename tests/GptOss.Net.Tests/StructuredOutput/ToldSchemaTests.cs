using System.Text.Json.Nodes;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>
/// What the model is told about the arguments of a tool and what the mask lets it write are the same: what is told is read back as a
/// schema, and each of the two allows the random values of the other.
/// </summary>
/// <remarks>The format has one word for numbers; whole numbers are told by <c>multipleOf: 1</c> here.</remarks>
public sealed class ToldSchemaTests
{
    private const int Walks = 5;

    [Theory]
    [InlineData("""{"properties":{"id":{"type":"string"},"email":{"type":"string"}},"anyOf":[{"required":["id"]}"""
        + """,{"required":["email"]}]}""")]
    [InlineData("""{"additionalProperties":{"type":"number","minimum":1}}""")]
    [InlineData("""{"properties":{"p":{"properties":{"a":{"type":"boolean"}}}}}""")]
    [InlineData("""{"properties":{"t":{"prefixItems":[{"type":"string","maxLength":3},{"type":"boolean"}],"items":{"enum":[1,"x"]}"""
        + ""","maxItems":4}}}""")]
    [InlineData("""{"properties":{"n":{"$ref":"#/$defs/n","nullable":true}}"""
        + ""","$defs":{"n":{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}}}}}""")]
    [InlineData("""{"properties":{"n":{"anyOf":[{"type":"string","maxLength":2},{"type":"boolean"}],"nullable":true}"""
        + ""","o":{"allOf":[{"type":"string"}],"nullable":true}}}""")]
    [InlineData("""{"properties":{"x":{"type":"string"}},"patternProperties":{"^x-":{"type":"boolean"}}"""
        + ""","additionalProperties":{"type":"null"}}""")]
    [InlineData("""{"properties":{"a":{"type":"boolean"},"b":{"type":"boolean"}},"dependentRequired":{"a":["b"]}}""")]
    [InlineData("""{"properties":{"a":{"type":"string","not":{"enum":["x","y"]},"maxLength":1}"""
        + ""","b":{"not":{"type":["string","object","array"]}}}}""")]
    [InlineData("""{"properties":{"a":{"type":["string","boolean","null"],"maxLength":2},"b":{"const":{"c":[1,null]}}"""
        + ""","d":true,"e":false}}""")]
    public void What_is_told_is_allowed_and_what_is_allowed_is_told(string schema) => Compare(schema, seed: 1, isRead: false);

    [Fact]
    public void What_is_told_is_allowed_and_what_is_allowed_is_told_for_random_schemas() =>
        Parallel.For(
            0, LongTests.Cases(200, 10_000),
            seed => Compare(Whole(RandomSchema.CreateObject(new Random(seed))).ToJsonString(), seed, isRead: true));

    private static void Compare(string schema, int seed, bool isRead)
    {
        var random = new Random(seed);
        var text = ToldSchema.Write(schema);
        var told = ToldSchema.Read(text).ToJsonString();
        var grammar = JsonSchemaGrammar.CompileArguments(Schemas.Parse(schema), TestContext.Current.CancellationToken);
        var toldGrammar = JsonSchemaGrammar.CompileArguments(Schemas.Parse(told), TestContext.Current.CancellationToken);
        var validator = Schemas.Validator(told);
        var original = isRead ? Schemas.Validator(schema) : null;
        for (var walk = 0; walk < Walks; walk++)
        {
            var allowed = RandomWalk.RunUnmasked(grammar, random);
            Schemas.IsValid(validator, allowed).Should().BeTrue("'{0}' of {1} is told as '{2}' (seed {3})", allowed, schema, text, seed);

            var value = RandomWalk.RunUnmasked(toldGrammar, random);
            Schemas.Accepts(grammar, value).Should().BeTrue("'{0}', told as '{1}', is of {2} (seed {3})", value, text, schema, seed);
            (original is null || Schemas.IsValid(original, value)).Should()
                .BeTrue("'{0}' is told as '{1}' of {2} (seed {3})", value, text, schema, seed);
        }
    }

    /// <summary>The same schema, whose whole numbers are said to be multiples of one.</summary>
    private static JsonNode Whole(JsonNode schema)
    {
        foreach (var part in schema is JsonObject members
            ? [.. members.Select(member => member.Value)]
            : schema is JsonArray items ? items.ToArray() : [])
        {
            _ = part is null ? null : Whole(part);
        }

        if (schema is JsonObject whole && whole["type"] is JsonValue type && type.TryGetValue(out string? name) && name == "integer")
        {
            whole["multipleOf"] = 1;
        }

        return schema;
    }
}
