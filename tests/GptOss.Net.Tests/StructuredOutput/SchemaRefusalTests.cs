namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>What is refused, and that the message names the place.</summary>
public sealed class SchemaRefusalTests
{
    [Theory]
    [InlineData("""{"properties":{"a":{"$ref":"http://example.com/x"}}}""", "#/properties/a")]
    [InlineData("""{"properties":{"a":{"not":{"properties":{"b":{}}}}}}""", "#/properties/a/not")]
    [InlineData("""{"properties":{"a/b":{"if":{"type":"string"},"then":{"minLength":1}}}}""", "#/properties/a~1b")]
    [InlineData("""{"items":{"contains":{"type":"string"}}}""", "#/items")]
    [InlineData("""{"items":{"type":"string","minLength":1000000000}}""", "#/items")]
    [InlineData("""{"type":"array","items":{},"minItems":1000000000}""", "#")]
    public void What_cannot_be_enforced_is_refused_with_its_place(string schema, string path) =>
        FluentActions.Invoking(() => Schemas.Compile(schema)).Should().Throw<NotSupportedException>().WithMessage($"*'{path}'*");

    [Theory]
    [InlineData("""{"properties":{"a":{"$ref":"#/$defs/missing"}}}""", "#/properties/a")]
    [InlineData("""{"properties":{"a":{"type":"text"}}}""", "#/properties/a/type")]
    [InlineData("""{"properties":{"a":5}}""", "#/properties/a")]
    [InlineData("""{"properties":{"a":{"$ref":"#name"}}}""", "#/properties/a")]
    [InlineData("""{"anyOf":[]}""", "#/anyOf")]
    [InlineData("""{"type":"integer","minimum":5,"maximum":3}""", "#/minimum")]
    [InlineData("""{"type":"string","minLength":5,"maxLength":3}""", "#/minLength")]
    [InlineData("""{"type":"string","pattern":"^a$","minLength":2}""", "#")]
    [InlineData("""{"$ref":"#"}""", "#")]
    [InlineData("false", "#")]
    [InlineData("""{"enum":[]}""", "#")]
    [InlineData("""{"properties":{"a":{"properties":{"b":{"enum":[]}},"required":["b"]}},"required":["a"]}""",
        "#/properties/a/properties/b")]
    [InlineData("""{"properties":{"a":{"type":"array","items":{"anyOf":[{"enum":[]},{"enum":[1],"type":"string"}]},"minItems":1}}"""
        + ""","required":["a"]}""", "#/properties/a/items/anyOf/0")]
    [InlineData("""{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}""", "#*")]
    [InlineData("""{"allOf":[{"type":"string"},{"type":"null"}]}""", "#")]
    public void What_is_wrong_in_itself_is_refused_with_its_place(string schema, string path) =>
        FluentActions.Invoking(() => Schemas.Compile(schema)).Should().Throw<ArgumentException>().WithMessage($"*'{path}'*");

    [Fact]
    public void A_message_names_the_property() => FluentActions
        .Invoking(
            () => Schemas.Compile("""{"properties":{"order":{"properties":{"amount":{"type":"integer","minimum":5,"maximum":3}}}}}"""))
        .Should().Throw<ArgumentException>().WithMessage("*, the property 'amount': *");

    [Fact]
    public void Large_maxima_are_no_problem() => Schemas.Accepts(
        """{"type":"array","items":{"type":"string","maxLength":1000000000},"maxItems":1000000000}""", "[\"a\",\"b\"]").Should().BeTrue();
}
