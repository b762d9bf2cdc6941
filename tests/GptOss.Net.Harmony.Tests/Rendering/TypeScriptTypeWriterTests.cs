using System.Text.Json;

namespace GptOss.Net.Harmony.Tests;

public sealed class TypeScriptTypeWriterTests
{
    [Theory]
    [InlineData(""" {"p":{"type":"object","description":"person","properties":{"n":{"type":"string","description":"n"},"age":{"type":"integer","default":42}},"required":["n"]}} """,
        "// person\np?:     // person\n{\n    // n\n    n: string,\n    age?: number, // default: 42\n    },\n")]
    [InlineData(""" {"xs":{"type":"array","items":{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]}}} """,
        "xs?: {\n    a: number,\n    }[],\n")]
    [InlineData(""" {"i":{"type":["integer","null"],"default":null}} """, "i?: number | null, // default: null\n")]
    [InlineData(""" {"e":{"type":["string","null"],"enum":["a","b",null]}} """, "e?: string | null,\n")]
    [InlineData(""" {"e":{"type":"integer","enum":[1,2]}} """, "e?: number,\n")]
    [InlineData(""" {"e":{"enum":["a"]}} """, "e?: any,\n")]
    [InlineData(""" {"e":{"type":"array","items":{"type":"string","enum":["x","y"]}}} """, "e?: \"x\" | \"y\"[],\n")]
    [InlineData(""" {"e":{"type":"array","items":{"oneOf":[{"type":"string"},{"type":"array","items":{"type":"number"}}]}}} """,
        "e?: \n     | string\n     | number[][],\n")]
    [InlineData(""" {"s":{"type":"string","default":"he said \"hi\""}} """, "s?: string, // default: \"he said \"hi\"\"\n")]
    [InlineData(""" {"s":{"type":"string","enum":["a","b"],"default":"a"}} """, "s?: \"a\" | \"b\", // default: a\n")]
    [InlineData(""" {"s":{"type":"string","description":"one\ntwo"}} """, "// one\ntwo\ns?: string,\n")]
    [InlineData(""" {"m":{"type":"object","additionalProperties":{"type":"number"}}} """, "m?: {\n    },\n")]
    [InlineData(""" {"t":true} """, "t?: any,\n")]
    [InlineData(""" {"c":{"const":5}} """, "c?: any,\n")]
    [InlineData(""" {"u":{"description":"d","default":"x","oneOf":[{"type":"string","description":"a","default":"x"},{"type":"number","description":"b","nullable":true}]}} """,
        "// d\n// default: \"x\"\nu?:\n | string // default: \"x\"\n | number | null // b\n,\n")]
    [InlineData(""" {"u":{"description":"a","oneOf":[{"type":"string","description":"a"},{"type":"number","description":"b"}]}} """,
        "u?:\n | string\n | number // b\n,\n")]
    public void Exact_properties_are_those_of_the_official_library(string properties, string expected) =>
        Write(SchemaRendering.Exact, properties).Should().Be($"_: {{\n{expected}}}");

    [Theory]
    [InlineData(""" {"p":{"type":"object","description":"person","properties":{"n":{"type":"string"}}}} """, "// person\np?: {\n    n?: string,\n    },\n")]
    [InlineData(""" {"e":{"type":["string","null"],"enum":["a","b",null]}} """, "e?: \"a\" | \"b\" | null,\n")]
    [InlineData(""" {"o":{"type":["object","null"],"properties":{"a":{"type":"integer"}}}} """, "o?: {\n    a?: number,\n    } | null,\n")]
    [InlineData(""" {"e":{"type":"integer","enum":[1,2]}} """, "e?: 1 | 2,\n")]
    [InlineData(""" {"e":{"enum":["a"]}} """, "e?: \"a\",\n")]
    [InlineData(""" {"e":{"type":"array","items":{"type":"string","enum":["x","y"]}}} """, "e?: (\"x\" | \"y\")[],\n")]
    [InlineData(""" {"e":{"type":"array","items":{"type":["string","null"]}}} """, "e?: (string | null)[],\n")]
    [InlineData(""" {"w":{"type":["number","string","null"]}} """, "w?: number | string | null,\n")]
    [InlineData(""" {"s":{"type":"string","description":"one\r\ntwo */\n"}} """, "// one\n// two * /\ns?: string,\n")]
    [InlineData(""" {"s":{"type":"string","default":"a\n\"b\""}} """, "s?: string, // default: \"a\\n\\\"b\\\"\"\n")]
    [InlineData(""" {"a-b\n":{"type":"string"}} """, "\"a-b\\n\"?: string,\n")]
    [InlineData(""" {"c":{"const":5}} """, "c?: 5,\n")]
    [InlineData(""" {"v":{"anyOf":[{"type":"string"},{"type":"null"}]}} """, "v?: string | null,\n")]
    [InlineData(""" {"v":{"anyOf":[{"type":"string"},{"type":"integer"}]}} """, "v?:\n | string\n | number\n,\n")]
    [InlineData(""" {"v":{"allOf":[{"type":"string"}],"description":"d"}} """, "// d\nv?: string,\n")]
    [InlineData(""" {"t":true} """, "t?: any,\n")]
    [InlineData(""" {"r":{"$ref":"#/nowhere"}} """, "r?: any,\n")]
    [InlineData(""" {"a":{"type":"string"},"r":{"$ref":"#/properties/a","description":"as a"}} """, "a?: string,\n// as a\nr?: string,\n")]
    public void Enriched_properties_lose_nothing(string properties, string expected) =>
        Write(SchemaRendering.Enriched, properties).Should().Be($"_: {{\n{expected}}}");

    [Fact]
    public void A_schema_that_contains_itself_is_written_four_levels_deep()
    {
        var text = Write(SchemaRendering.Enriched, """ {"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#/properties/n"}}}} """);
        text.Split("v?: number").Should().HaveCount(6);
        text.Should().Contain("next?: any");
    }

    [Fact]
    public void A_schema_that_multiplies_itself_stays_bounded()
    {
        var references = string.Join(',', Enumerable.Range(0, 50).Select(index => $"\"p{index}\":{{\"$ref\":\"#\"}}"));
        Write(SchemaRendering.Enriched, $"{{{references}}}").Length.Should().BeLessThan(200_000);
    }

    [Theory]
    [InlineData("null", "", "")]
    [InlineData("""{"type":"object","properties":{}}""", "_: {\n}", "")]
    [InlineData("""{"type":"object"}""", "_: {\n}", "")]
    public void A_tool_without_arguments_has_none(string schema, string exact, string enriched)
    {
        var element = JsonDocument.Parse(schema).RootElement;
        new TypeScriptTypeWriter(SchemaRendering.Exact).WriteArguments(element).Should().Be(exact);
        new TypeScriptTypeWriter(SchemaRendering.Enriched).WriteArguments(element).Should().Be(enriched);
    }

    [Fact]
    public void What_needs_no_enriching_is_written_exactly()
    {
        foreach (var tool in HarmonyCases.OfKind("render").SelectMany(Tools).Where(tool => !IsEnriched.Contains(tool.Name)))
        {
            new TypeScriptTypeWriter(SchemaRendering.Enriched).WriteArguments(tool.Parameters!.Value)
                .Should().Be(new TypeScriptTypeWriter(SchemaRendering.Exact).WriteArguments(tool.Parameters!.Value));
        }
    }

    private static readonly string[] IsEnriched = ["ping", "o", "m", "r"];

    private static IEnumerable<ToolDescription> Tools(JsonElement element) => HarmonyCases.Messages(element, "messages")
        .SelectMany(message => message.Content).OfType<DeveloperContent>().SelectMany(content => content.ToolNamespaces)
        .SelectMany(tools => tools.Tools).Where(tool => tool.Parameters is { ValueKind: JsonValueKind.Object });

    private static string Write(SchemaRendering rendering, string properties)
    {
        using var document = JsonDocument.Parse($$"""{"type":"object","properties":{{properties}}}""");
        return new TypeScriptTypeWriter(rendering).WriteArguments(document.RootElement);
    }
}
