using System.Text;

namespace GptOss.Net.Tests.StructuredOutput;

public sealed class JsonSchemaGrammarTests
{
    [Theory]
    [InlineData("""{"type":"string"}""", "\"\"", "\"a é 汉 👩 \\\" \\\\ \\n \\u00e9\"")]
    [InlineData("""{"type":"string","minLength":2,"maxLength":3}""", "\"ab\"", "\"éé\\n\"")]
    [InlineData("""{"type":"string"}""", "\"\\ud83d\\ude00\"", "\"\\uD83D\\uDE00 \\ud7ff\\ue000\"")]
    [InlineData("""{"type":"string","minLength":3,"maxLength":3}""", "\"😀ab\"", "\"\\ud83d\\ude00ab\"")]
    [InlineData("""{"type":"string","minLength":6,"maxLength":7}""", "\"🍎🍐🍊🍋ab\"", "\"🍎🍐🍊🍋🍎🍐🍊\"")]
    [InlineData("""{"type":["string","null"],"minLength":4,"maxLength":4}""", "\"𠮷野家屋\"", "null")]
    [InlineData("""{"type":"string","pattern":"^.{3}$","maxLength":3}""", "\"😀ab\"")]
    [InlineData("""{"type":"integer"}""", "0", "-120", "1846987139428634858", "9223372036854775807", "-9223372036854775808",
        "18446744073709551615")]
    [InlineData("""{"type":"number"}""", "79228162514264337593543950335", "-0.0000000000000000000000000001",
        "1234567890.123456789012345678")]
    [InlineData("""{"type":"integer","minimum":9007199254740993,"maximum":9007199254740995}""", "9007199254740993", "9007199254740995")]
    [InlineData("""{"type":"integer","minimum":0}""", "0", "18446744073709551615")]
    [InlineData("""{"type":"number","minimum":0.01,"maximum":999.99}""", "0.01", "999.99", "0.0100000000000000000000000001")]
    [InlineData("""{"type":"number","minimum":-1e3,"maximum":1.5E+2}""", "-1000", "150.0", "-1000.0")]
    [InlineData("""{"type":"number"}""", "0", "-0.5", "1e5", "12.25E-10")]
    [InlineData("""{"type":"integer","minimum":-3,"maximum":120}""", "-3", "0", "7", "99", "120")]
    [InlineData("""{"type":"integer","exclusiveMinimum":9,"exclusiveMaximum":100}""", "10", "55", "99")]
    [InlineData("""{"type":"number","minimum":0,"maximum":1}""", "0", "0.5", "0.000000001", "1", "1.0")]
    [InlineData("""{"type":"number","minimum":-2.5,"exclusiveMaximum":-1.5}""", "-2.5", "-2", "-1.500000001")]
    [InlineData("""{"type":"boolean"}""", "true", "false")]
    [InlineData("""{"type":"null"}""", "null")]
    [InlineData("""{"type":["string","null"]}""", "null", "\"x\"")]
    [InlineData("""{"type":"string","nullable":true}""", "null", "\"x\"")]
    [InlineData("""{"enum":["a","ab","é\"",1,12,null,{"x":[1]}]}""", "\"a\"", "\"ab\"", "\"é\\\"\"", "1", "12", "null", "{\"x\":[1]}")]
    [InlineData("""{"const":"fixed"}""", "\"fixed\"")]
    [InlineData("""{"type":["string","null"],"enum":["A","B",null,5]}""", "\"A\"", "null")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"integer"},"b":{},"c":{"type":"null"}},"required":["b"]}""",
        "{\"b\":1}", "{\"a\":1,\"b\":[true, {\"x\": \"y\"}]}", "{\"a\": 1, \"b\": \"\", \"c\": null}")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"integer"}}""", "{}", "{\"x\":1}", "{\"x\": 1, \"é y\": 2}")]
    [InlineData("""{"type":"object","properties":{"ab":{"type":"null"}},"additionalProperties":{"type":"integer"}}""",
        "{\"ab\":null}", "{\"a\":1}", "{\"abc\":1}", "{\"ab\":null,\"b\":1}")]
    [InlineData("""{"type":"object"}""", "{}", "{\"x\":{\"y\":[]}}")]
    [InlineData("""{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}""", "[1]", "[1, 2,3]")]
    [InlineData("""{"type":"array","prefixItems":[{"type":"integer"},{"type":"null"}],"items":{"type":"boolean"}}""", "[]", "[1]",
        "[1,null,true]")]
    [InlineData("""{"type":"array","items":[{"type":"integer"}],"additionalItems":false}""", "[]", "[1]")]
    [InlineData("""{"anyOf":[{"type":"integer"},{"type":"object","properties":{"k":{"const":1}},"required":["k"]}"""
        + """,{"type":"object","properties":{"k":{"const":2},"l":{}},"required":["k","l"]}]}""",
        "5", "{\"k\":1}", "{\"k\":2,\"l\":0}")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"anyOf":[{"required":["a"]}"""
        + """,{"required":["b"]}]}""",
        "{\"a\":1}", "{\"b\":1}", "{\"a\":1,\"b\":1}")]
    [InlineData("""{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"a":{"minimum":5}"""
        + ""","b":{"type":"null"}}}]}""",
        "{\"a\":5}", "{\"a\":17,\"b\":null}")]
    [InlineData("""{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"}"""
        + ""","next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}},"required":["v","next"]}}}""",
        "{\"v\":1,\"next\":null}", "{\"v\":1,\"next\":{\"v\":2,\"next\":null}}")]
    [InlineData("""{"type":"object","properties":{"x":{"type":"array","items":{"$ref":"#"}}}}""", "{}", "{\"x\":[{},{\"x\":[]}]}")]
    [InlineData("""{"type":"string","pattern":"^a+(b|[c-e]{2})?$"}""", "\"a\"", "\"aab\"", "\"ade\"")]
    [InlineData("""{"type":"string","pattern":"x\\d"}""", "\"x1\"", "\"hello x1 é\\\"\"")]
    [InlineData("""{"type":"string","pattern":"^[^a]*$","minLength":1,"maxLength":2}""", "\"b\"", "\"\\\"é\"")]
    [InlineData("""{"type":"string","format":"date"}""", "\"2024-02-29\"", "\"1999-12-31\"")]
    [InlineData("""{"type":"string","format":"date-time"}""", "\"2024-02-29T23:59:59Z\"", "\"2024-01-01T00:00:00.1234567+14:00\"")]
    [InlineData("""{"type":"string","format":"uuid"}""", "\"01234567-89ab-cdef-0123-456789ABCDEF\"")]
    [InlineData("true", "1", "\"x\"", "[[], {}]")]
    [InlineData("""{"$ref":"#/$defs/a","nullable":true,"$defs":{"a":{"type":"string"}}}""", "null", "\"x\"")]
    [InlineData("""{"enum":["a"],"nullable":true}""", "null", "\"a\"")]
    [InlineData("""{"anyOf":[{"not":{}},{"type":"integer"}]}""", "5")]
    [InlineData("""{"type":"string","not":{"enum":["x","yy"]}}""", "\"\"", "\"y\"", "\"xx\"", "\"yyy\"")]
    [InlineData("""{"type":"string","not":{"const":"\""},"maxLength":2}""", "\"a\"", "\"\\\"a\"")]
    [InlineData("""{"type":"integer","not":{"enum":[0,5]}}""", "1", "4", "6", "55", "-5")]
    [InlineData("""{"type":"number","minimum":0,"not":{"const":1.5}}""", "0", "1.4", "1.6", "15")]
    [InlineData("""{"not":{"type":["string","null"]}}""", "1", "[\"a\"]")]
    [InlineData("""{"type":"boolean","not":{"const":false}}""", "true")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"dependentRequired":{"a":["b"]}}""", "{}",
        "{\"b\":1}", "{\"a\":1,\"b\":1}")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"integer"}},"dependentSchemas":{"a":{"properties":{"b":{"const":1}}"""
        + ""","required":["b"]}}}""", "{}", "{\"a\":1,\"b\":1}")]
    [InlineData("""{"type":"object","patternProperties":{"^x-":{"type":"integer"},"-y$":{"minimum":5}}"""
        + ""","additionalProperties":{"type":"null"}}""",
        "{}", "{\"x-\":1}", "{\"x-y\":5}", "{\"z-y\":6.5}", "{\"a\":null}", "{\"x-1\":1,\"b\":null}")]
    [InlineData("""{"type":"object","properties":{"x-a":{"minimum":3}},"patternProperties":{"^x-":{"type":"integer"}}"""
        + ""","additionalProperties":false}""", "{\"x-a\":3,\"x-ab\":1}")]
    [InlineData("""{"type":"object","propertyNames":{"pattern":"^[a-z]+$"},"additionalProperties":{"type":"integer"}}""", "{\"abc\":1}")]
    [InlineData("""{"type":"object","propertyNames":{"enum":["a","b"]},"additionalProperties":{"type":"integer"}}""", "{}",
        "{\"a\":1,\"b\":2}")]
    [InlineData("""{"type":"object","allOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]}],"unevaluatedProperties":false}""",
        "{\"a\":1}")]
    [InlineData("""{"type":"object","properties":{}}""", "{}")]
    [InlineData("""{"type":"number","minimum":"0.01","maximum":"999.99"}""", "0.01", "999.99")]
    [InlineData("""{"type":"number","multipleOf":0.01,"minimum":0}""", "0", "0.25")]
    [InlineData("""{"type":"string","pattern":"^\\p{L}+$"}""", "\"aéЖ汉\"", "\"\\u0061\\u00E9\\u0416\\ud842\\udfb7\"")]
    [InlineData("""{"type":"string","pattern":"^[\\t/😀]{1,2}$"}""", "\"\\u0009\\t\"", "\"/\\/\"", "\"😀\\uD83D\\uDE00\"")]
    [InlineData("""{"type":"string","pattern":"^(?=.*[a-z])(?=.*\\d)(?!.*\\s).{4,8}$"}""", "\"abc1\"", "\"1234567a\"")]
    [InlineData("""{"type":"string","pattern":"^(?!-)[a-z-]{1,5}(?<!-)$"}""", "\"a\"", "\"a-b\"")]
    [InlineData("""{"type":"string","pattern":"^\\bfoo\\b.*$"}""", "\"foo\"", "\"foo bar\"")]
    [InlineData("""{"allOf":[{"type":"string","pattern":"^a"},{"pattern":"b$"}]}""", "\"ab\"", "\"axb\"")]
    [InlineData("""{"type":"string","format":"date","maxLength":10}""", "\"2024-02-29\"")]
    [InlineData("""{"type":"string","minLength":20000}""")]
    [InlineData("""{"$ref":"#n","$defs":{"x":{"$anchor":"n","type":"integer"}}}""", "5")]
    [InlineData("""
        {"$ref":"https://example.org/a.json#/$defs/b",
        "$defs":{"x":{"$id":"https://example.org/a.json","$defs":{"b":{"const":1}}}}}
        """, "1")]
    [InlineData("""
        {"type":"object","properties":{"data":{
        "$schema":"s","type":"array","items":{"type":"object","properties":{"next":{"$ref":"#/items"}}}}},"required":["data"]}
        """,
        "{\"data\":[{\"next\":{\"next\":{}}}]}")]
    [InlineData("""
        {"type":"object","properties":{"data":{"type":"array","items":{"type":"object","properties":{"next":{"$ref":"#/items"}}}}},
        "required":["data"]}
        """,
        "{\"data\":[{\"next\":{\"next\":{}}}]}")]
    public void Texts_that_a_schema_allows_are_accepted(string schema, params string[] texts)
    {
        var grammar = Schemas.Compile(schema);
        texts.Where(text => !Schemas.Accepts(grammar, text)).Should().BeEmpty();
    }

    [Theory]
    [InlineData("""{"type":"string"}""", "a", "\"", "\"\n\"", "\"\\x\"", "\"\\ud83d\"", "\"a\"b", " \"a\"")]
    [InlineData("""{"type":"string","minLength":2,"maxLength":3}""", "\"a\"", "\"abcd\"", "\"é\"")]
    [InlineData("""{"type":"string"}""", "\"\\udc00\"", "\"\\ud83dx\"", "\"\\ud83d\\u0041\"", "\"\\ud83d\\n\"")]
    [InlineData("""{"type":"string","minLength":3,"maxLength":3}""", "\"😀a\"", "\"😀abc\"")]
    [InlineData("""{"type":"string","minLength":1,"maxLength":1}""", "\"😀\"", "\"\\ud83d\\ude00\"")]
    [InlineData("""{"type":"integer"}""", "", "-", "01", "1.0", "1e5", "18446744073709551616", "-9223372036854775809",
        "123456789012345678901", "+1")]
    [InlineData("""{"type":"integer","minimum":9007199254740993,"maximum":9007199254740995}""", "9007199254740992", "9007199254740996")]
    [InlineData("""{"type":"number","minimum":0.01,"maximum":999.99}""", "0.00", "0.0099", "999.991", "1000", "0")]
    [InlineData("""{"type":"number"}""", "1.", ".5", "1e", "1e+", "1e400", "--1")]
    [InlineData("""{"type":"integer","minimum":-3,"maximum":120}""", "-4", "121", "1200", "-0", "00", "-")]
    [InlineData("""{"type":"integer","exclusiveMinimum":9,"exclusiveMaximum":100}""", "9", "100", "1", "-10")]
    [InlineData("""{"type":"number","minimum":0,"maximum":1}""", "-0.1", "1.1", "2", "1.000000001", "-1")]
    [InlineData("""{"type":"number","minimum":-2.5,"exclusiveMaximum":-1.5}""", "-1.5", "-2.6", "2", "-1")]
    [InlineData("""{"enum":["a","ab"]}""", "\"b\"", "\"abc\"", "\"\"", "a")]
    [InlineData("""{"type":["string","null"],"enum":["A",5]}""", "5", "null")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"integer"},"b":{}},"required":["b"]}""",
        "{}", "{\"a\":1}", "{\"b\":1,\"a\":1}", "{\"b\":1,}", "{\"b\":1,\"x\":1}", "{\"b\":  1}", "{\"a\":\"\",\"b\":1}", "{,\"b\":1}")]
    [InlineData("""{"type":"object","properties":{"ab":{"type":"null"}},"additionalProperties":{"type":"integer"}}""", "{\"ab\":1}",
        "{\"x\":1,\"ab\":null}")]
    [InlineData("""{"type":"object","properties":{},"additionalProperties":false}""", "{\"a\":1}", "[]")]
    [InlineData("""{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}""", "[]", "[1,2,3,4]", "[1,]", "[null]")]
    [InlineData("""{"type":"array","items":[{"type":"integer"}],"additionalItems":false}""", "[1,1]")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"anyOf":[{"required":["a"]}"""
        + """,{"required":["b"]}]}""", "{}")]
    [InlineData("""{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}"""
        + """,{"properties":{"a":{"minimum":5}}}]}""", "{\"a\":4}", "{}")]
    [InlineData("""{"type":"string","pattern":"^a+(b|[c-e]{2})?$"}""", "\"\"", "\"aabb\"", "\"af\"")]
    [InlineData("""{"type":"string","pattern":"x\\d"}""", "\"x\"", "\"1x\"")]
    [InlineData("""{"type":"string","pattern":"^[^a]*$","minLength":1,"maxLength":2}""", "\"\"", "\"bbb\"", "\"a\"")]
    [InlineData("""{"type":"string","format":"date"}""", "\"2023-02-29\"", "\"2024-13-01\"", "\"2024-04-31\"", "\"1900-02-29\"")]
    [InlineData("""{"type":"string","format":"date-time"}""", "\"2024-02-29T24:00:00Z\"", "\"2024-02-29\"")]
    [InlineData("""{"type":"string","not":{"enum":["x","yy"]}}""", "\"x\"", "\"yy\"")]
    [InlineData("""{"type":"integer","not":{"enum":[0,5]}}""", "0", "5")]
    [InlineData("""{"type":"number","minimum":0,"not":{"const":1.5}}""", "1.5", "1.50")]
    [InlineData("""{"not":{"type":["string","null"]}}""", "null", "\"a\"")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"dependentRequired":{"a":["b"]}}""",
        "{\"a\":1}")]
    [InlineData("""{"type":"object","patternProperties":{"^x-":{"type":"integer"},"-y$":{"minimum":5}}"""
        + ""","additionalProperties":{"type":"null"}}""",
        "{\"x-\":null}", "{\"x-y\":1}", "{\"x-y\":5.5}", "{\"a\":1}")]
    [InlineData("""{"type":"object","properties":{"x-a":{"minimum":3}},"patternProperties":{"^x-":{"type":"integer"}}"""
        + ""","additionalProperties":false}""",
        "{\"x-a\":2}", "{\"x-a\":3.5}", "{\"x-a\":3,\"x-a\":1}", "{\"b\":1}")]
    [InlineData("""{"type":"object","propertyNames":{"pattern":"^[a-z]+$"},"additionalProperties":{"type":"integer"}}""", "{\"Abc\":1}",
        "{\"\":1}")]
    [InlineData("""{"type":"object","propertyNames":{"enum":["a","b"]},"additionalProperties":{"type":"integer"}}""", "{\"c\":1}")]
    [InlineData("""{"type":"object","properties":{}}""", "{\"a\":1}")]
    [InlineData("""{"type":"number","minimum":"0.01","maximum":"999.99"}""", "0.001", "1000")]
    [InlineData("""{"type":"number","multipleOf":0.01,"minimum":0}""", "0.255", "-1")]
    [InlineData("""{"type":"string","pattern":"^\\p{L}+$"}""", "\"a1\"", "\"\"", "\"\\u0031\"", "\"\\ud842\"", "\"\\udfb7\"",
        "\"\\ud83d\\ude00\"")]
    [InlineData("""{"type":"string","pattern":"^[\\t/😀]{1,2}$"}""", "\"\\u0002\"", "\"\\uD83D\"", "\"\\uD83D\\uDE01\"",
        "\"\\uD83C\\uDE00\"")]
    [InlineData("""{"type":"string","pattern":"^(?=.*[a-z])(?=.*\\d)(?!.*\\s).{4,8}$"}""", "\"abcd\"", "\"abc 1\"", "\"ab1\"",
        "\"12345678a\"")]
    [InlineData("""{"type":"string","pattern":"^(?!-)[a-z-]{1,5}(?<!-)$"}""", "\"-a\"", "\"a-\"")]
    [InlineData("""{"type":"string","pattern":"^\\bfoo\\b.*$"}""", "\"food\"", "\"fo\"")]
    [InlineData("""{"allOf":[{"type":"string","pattern":"^a"},{"pattern":"b$"}]}""", "\"ba\"", "\"a\"")]
    [InlineData("""{"type":"string","minLength":20000}""", "\"a\"")]
    public void Texts_that_a_schema_forbids_are_rejected(string schema, params string[] texts)
    {
        var grammar = Schemas.Compile(schema);
        texts.Where(text => Schemas.Accepts(grammar, text)).Should().BeEmpty();
    }

    [Fact]
    public void Strings_hold_only_whole_characters()
    {
        var text = Schemas.Compile("""{"type":"string"}""").Start().Advance("\""u8)!;
        text.Advance([0x80]).Should().BeNull();
        text.Advance([0xC0]).Should().BeNull();
        text.Advance([0xE9, (byte)'"']).Should().BeNull();
        text.Advance([0xED, 0xA0]).Should().BeNull("surrogates are no characters");
        text.Advance([0xF4, 0x90]).Should().BeNull("there is nothing beyond U+10FFFF");
    }

    [Fact]
    public void A_string_without_bounds_stays_in_one_state()
    {
        var text = Schemas.Compile("""{"type":"string"}""").Start().Advance("\""u8)!;
        text.Advance(Encoding.UTF8.GetBytes("some text é \\n"))!.Should().Be(text);
    }

    [Fact]
    public void What_follows_the_JSON_can_be_given()
    {
        var state = Schemas.Compile("""{"type":"integer"}""")
            .Start(GptOss.Net.StructuredOutput.TextLiteral.Create("!", GptOss.Net.StructuredOutput.TextEnd.Instance));
        state.Advance("12"u8)!.IsAccepting.Should().BeFalse();
        state.Advance("12!"u8)!.MustEnd.Should().BeTrue();
    }
}
