namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>What is refused, and that the message names the place.</summary>
public sealed class SchemaRefusalTests
{
    [Theory]
    [InlineData("""{"properties":{"a":{"$ref":"http://example.com/x"}}}""", "#/properties/a")]
    [InlineData("""{"properties":{"a":{"$ref":"#name"}}}""", "#/properties/a")]
    [InlineData("""{"properties":{"a":{"not":{"type":"null"}}}}""", "#/properties/a")]
    [InlineData("""{"properties":{"a/b":{"patternProperties":{}}}}""", "#/properties/a~1b")]
    [InlineData("""{"items":{"type":"string","minLength":1000000000}}""", "#/items")]
    [InlineData("""{"items":{"type":"string","pattern":"(a)\\1"}}""", "#/items")]
    [InlineData("""{"type":"array","items":{},"minItems":1000000000}""", "#")]
    public void What_cannot_be_enforced_is_refused_with_its_place(string schema, string path) =>
        FluentActions.Invoking(() => Schemas.Compile(schema)).Should().Throw<NotSupportedException>().WithMessage($"*'{path}'*");

    [Theory]
    [InlineData("""{"properties":{"a":{"$ref":"#/$defs/missing"}}}""", "#/properties/a")]
    [InlineData("""{"properties":{"a":{"type":"text"}}}""", "#/properties/a/type")]
    [InlineData("""{"properties":{"a":5}}""", "#/properties/a")]
    [InlineData("""{"anyOf":[]}""", "#/anyOf")]
    [InlineData("""{"type":"integer","minimum":5,"maximum":3}""", "#")]
    [InlineData("""{"type":"string","minLength":5,"maxLength":3}""", "#")]
    [InlineData("""{"$ref":"#"}""", "#")]
    [InlineData("false", "#")]
    [InlineData("""{"enum":[]}""", "#")]
    [InlineData("""{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}""", "#")]
    [InlineData("""{"allOf":[{"type":"string"},{"type":"null"}]}""", "#")]
    public void What_is_wrong_in_itself_is_refused_with_its_place(string schema, string path) =>
        FluentActions.Invoking(() => Schemas.Compile(schema)).Should().Throw<ArgumentException>().WithMessage($"*'{path}'*");

    [Fact]
    public void Large_maxima_are_no_problem() => Schemas.Accepts(
        """{"type":"array","items":{"type":"string","maxLength":1000000000},"maxItems":1000000000}""", "[\"a\",\"b\"]").Should().BeTrue();
}
