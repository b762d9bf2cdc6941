using System.Text.Json;

namespace GptOss.Net.Harmony.Tests;

public sealed class TypeScriptTypeWriterTests
{
    [Theory]
    [InlineData(""" {"p":{"type":"object","description":"person","properties":{"n":{"type":"string","description":"n"}"""
        + ""","age":{"type":"integer","default":42}},"required":["n"]}} """,
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
    [InlineData(""" {"u":{"description":"d","default":"x","oneOf":[{"type":"string","description":"a","default":"x"}"""
        + """,{"type":"number","description":"b","nullable":true}]}} """,
        "// d\n// default: \"x\"\nu?:\n | string // default: \"x\"\n | number | null // b\n,\n")]
    [InlineData(""" {"u":{"description":"a","oneOf":[{"type":"string","description":"a"},{"type":"number","description":"b"}]}} """,
        "u?:\n | string\n | number // b\n,\n")]
    public void Exact_properties_are_those_of_the_official_library(string properties, string expected) =>
        Write(properties).Should().Be($"_: {{\n{expected}}}");

    [Theory]
    [InlineData("null", "")]
    [InlineData("""{"type":"object","properties":{}}""", "_: {\n}")]
    [InlineData("""{"type":"object"}""", "_: {\n}")]
    public void Arguments_are_those_of_the_official_library(string schema, string expected) =>
        TypeScriptTypeWriter.WriteArguments(JsonElement.Parse(schema)).Should().Be(expected);

    private static string Write(string properties) =>
        TypeScriptTypeWriter.WriteArguments(JsonElement.Parse($$"""{"type":"object","properties":{{properties}}}"""));
}
