using System.Text.Json;

namespace GptOss.Net.Harmony.Tests;

/// <summary>What the model is told about the arguments of a tool, beyond what OpenAI's library tells.</summary>
public sealed class SchemaTypeWriterTests
{
    [Theory]
    [InlineData(""" {"p":{"type":"object","description":"person","properties":{"n":{"type":"string"}}}} """,
        "// person\np?: {\n    n?: string,\n    },\n")]
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
    [InlineData(""" {"m":{"type":"object","additionalProperties":{"type":"number"}}} """, "m?: {\n    [key: string]: number,\n    },\n")]
    [InlineData(""" {"m":{"type":"object"}} """, "m?: {\n    [key: string]: any,\n    },\n")]
    [InlineData(""" {"m":{"type":"object","properties":{}}} """, "m?: {\n    },\n")]
    [InlineData(""" {"m":{"properties":{"a":{"type":"string"}},"additionalProperties":true}} """,
        "m?: {\n    a?: string,\n    [key: string]: any,\n    },\n")]
    [InlineData(""" {"m":{"type":"object","patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}} """,
        "m?: {\n    [key: string]: string, // key pattern: ^x-\n    },\n")]
    [InlineData(""" {"m":{"type":"object","propertyNames":{"enum":["a","b"]},"additionalProperties":{"type":"number"}}} """,
        "m?: {\n    a?: number,\n    b?: number,\n    },\n")]
    [InlineData(""" {"t":{"prefixItems":[{"type":"string"},{"type":"integer"}],"items":false,"minItems":1}} """,
        "t?: [string, number?], // minItems: 1\n")]
    [InlineData(""" {"t":{"type":"array","items":[{"type":"string"}],"additionalItems":{"enum":[1,2]}}} """,
        "t?: [string?, ...(1 | 2)[]],\n")]
    [InlineData(""" {"t":{"prefixItems":[{"type":"string","minLength":1,"description":"a name"},{"type":"integer"}]"""
        + ""","items":{"type":"integer","minimum":0}}} """,
        "t?: [string?, number?, ...number[]], // items[0]: a name, minLength: 1, items[2...]: minimum: 0\n")]
    [InlineData(""" {"t":{"type":"array","items":{"type":"array","items":{"type":"integer","minimum":0},"maxItems":2}}} """,
        "t?: number[][], // items: (maxItems: 2, items: minimum: 0)\n")]
    [InlineData(""" {"l":{"type":"array","items":{"anyOf":[{"type":"integer"},{"type":"string","minLength":1}]},"maxItems":2}} """,
        "l?: (\n     | number\n     | string // minLength: 1\n    )[], // maxItems: 2\n")]
    [InlineData(""" {"n":{"nullable":true,"allOf":[{"type":"string"}]}} """, "n?: string | null,\n")]
    [InlineData(""" {"a":{"type":"object","properties":{"b":{}}},"n":{"$ref":"#/properties/a","nullable":true}} """,
        "a?: {\n    b?: any,\n    },\nn?: {\n    b?: any,\n    } | null,\n")]
    [InlineData(""" {"n":{"anyOf":[{"type":"string"},{"type":"integer"}],"nullable":true}} """, "n?:\n | string\n | number\n | null\n,\n")]
    [InlineData(""" {"n":{"anyOf":[{"not":{}},{"type":"string"}],"description":"optional"}} """, "// optional\nn?: string,\n")]
    [InlineData(""" {"x":{"not":{}},"y":{"type":"boolean","not":{"const":true}}} """, "y?: false,\n")]
    [InlineData(""" {"s":{"type":"string","pattern":"^[A-Z]{3}$","minLength":3,"default":"ABC"}} """,
        "s?: string, // pattern: ^[A-Z]{3}$, minLength: 3, default: \"ABC\"\n")]
    [InlineData(""" {"i":{"type":"integer","minimum":1,"exclusiveMaximum":10,"multipleOf":2}} """,
        "i?: number, // minimum: 1, exclusiveMaximum: 10, multipleOf: 2\n")]
    [InlineData(""" {"a":{"type":"array","items":{"type":"string","format":"date","description":"a day"},"maxItems":3}} """,
        "a?: string[], // maxItems: 3, items: a day, format: date\n")]
    [InlineData(""" {"s":{"type":"string","not":{"enum":["x","y"]}}} """, "s?: string, // not: \"x\", \"y\"\n")]
    [InlineData(""" {"e":{"enum":["\u3000","\ud83d\ude00"]}} """, "e?: \"\u3000\" | \"😀\",\n")]
    [InlineData(""" {"a":{"type":"string"},"r":{"$ref":"#/properties/a","description":"as a"}} """, "a?: string,\n// as a\nr?: string,\n")]
    public void Enriched_properties_lose_nothing(string properties, string expected) =>
        Write(properties).Should().Be($"_: {{\n{expected}}}");

    [Fact]
    public void Choices_of_required_properties_are_told() => Arguments(
        """{"properties":{"id":{"type":"integer"},"email":{"type":"string"}},"anyOf":[{"required":["id"]},{"required":["email"]}]}""")
        .Should().Be("_: \n | {\n   id: number,\n   email?: string,\n   }\n | {\n   id?: number,\n   email: string,\n   }");

    [Fact]
    public void A_comment_ends_before_what_follows() => Arguments(
        """{"anyOf":[{"properties":{"a":{}}},{"properties":{"b":{}},"description":"else"}]}""")
        .Should().Be("_: \n | {\n   a?: any,\n   }\n | {\n   b?: any,\n   } // else\n");

    [Fact]
    public void A_property_on_which_another_depends_is_told() => Arguments(
        """{"properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"dependentRequired":{"a":["b"]}}""")
        .Should().Be("_: \n | {\n   b?: number,\n   }\n | {\n   a: number,\n   b: number,\n   }");

    [Theory]
    [InlineData("""{"$ref":"#/$defs/node"}""")]
    [InlineData("""{"anyOf":[{"$ref":"#/$defs/node"}]}""")]
    [InlineData("""{"allOf":[{"$ref":"#/$defs/node"}]}""")]
    public void A_type_that_contains_itself_has_a_name(string reference)
    {
        var tool = new ToolDescription
        {
            Name = "Node",
            Parameters = JsonElement.Parse(
                """
                {"type":"object","properties":{"n":REF},
                "$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},"next":REF}}}}
                """.Replace("REF", reference, StringComparison.Ordinal)),
        };

        var text = new ToolSectionWriter(SchemaRendering.Enriched).Write([new ToolNamespace { Name = "functions", Tools = [tool] }]);

        text.Should().Contain(
            "type Node_2 = {\nv?: number,\nnext?: Node_2,\n};\n\ntype Node = (_: {\nn?: {\n    v?: number,\n    next?: "
            + "Node_2,\n    },\n}) => any;\n");
    }

    [Fact]
    public void A_schema_that_multiplies_itself_stays_bounded()
    {
        var references = string.Join(',', Enumerable.Range(0, 50).Select(index => $"\"p{index}\":{{\"$ref\":\"#\"}}"));
        Write($"{{{references}}}").Length.Should().BeLessThan(10_000);

        var levels = string.Concat(Enumerable.Range(0, 30).Select(index => """
            "dA":{"type":"object","properties":{"a":{"$ref":"#/$defs/dB"},"b":{"$ref":"#/$defs/dB"}}},
            """.Replace("A", $"{index}", StringComparison.Ordinal).Replace("B", $"{index + 1}", StringComparison.Ordinal)));
        Arguments("{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + levels + "\"d30\":{\"type\":\"null\"}}}").Length.Should().BeLessThan(100_000);
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{}}""", "")]
    [InlineData("""{"type":["object","null"],"properties":{},"additionalProperties":false}""", "")]
    [InlineData("""{"type":"object"}""", "_: {\n[key: string]: any,\n}")]
    [InlineData("{}", "_: {\n[key: string]: any,\n}")]
    [InlineData("""{"type":"null"}""", "_: {\n[key: string]: any,\n}")]
    public void A_tool_whose_arguments_can_only_be_none_has_none(string schema, string expected) => Arguments(schema).Should().Be(expected);

    [Fact]
    public void What_needs_no_enriching_is_written_exactly()
    {
        foreach (var tool in HarmonyCases.OfKind("render").SelectMany(Tools).Where(tool => !IsEnriched.Contains(tool.Name)))
        {
            new SchemaTypeWriter(new SchemaTypeNames([])).WriteArguments(tool.Model!)
                .Should().Be(TypeScriptTypeWriter.WriteArguments(tool.Parameters!.Value));
        }
    }

    private static readonly string[] IsEnriched = ["ping", "o", "m", "r", "n"];

    private static IEnumerable<ToolDescription> Tools(JsonElement element) => HarmonyCases.Messages(element, "messages")
        .SelectMany(message => message.Content).OfType<DeveloperContent>().SelectMany(content => content.ToolNamespaces)
        .SelectMany(tools => tools.Tools).Where(tool => tool.Parameters is { ValueKind: JsonValueKind.Object });

    private static string Write(string properties) => Arguments($$"""{"type":"object","properties":{{properties}}}""");

    private static string Arguments(string schema) =>
        new SchemaTypeWriter(new SchemaTypeNames([])).WriteArguments(SchemaModel.ReadArguments(JsonElement.Parse(schema)));
}
