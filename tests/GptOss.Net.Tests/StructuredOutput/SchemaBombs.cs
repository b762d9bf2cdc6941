using System.Text;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>Schemas that are made to cost much.</summary>
internal static class SchemaBombs
{
    private const string Integer = """{"type":"integer"}""";

    private static readonly string Long = new('x', 900_000);

    public static IReadOnlyDictionary<string, Func<string>> All { get; } = new Dictionary<string, Func<string>>(StringComparer.Ordinal)
    {
        ["recursive"] =
            () => """{"type":"object","properties":{"a":{"$ref":"#"},"b":{"type":"array","items":{"$ref":"#/properties/b"}}}}""",
        ["endless"] = () => """{"type":"array","items":{"$ref":"#"},"minItems":1}""",
        ["$ref http"] = () => """{"$ref":"http://example.com/schema.json"}""",
        ["$ref file"] = () => """{"$ref":"file:///etc/passwd"}""",
        ["2^20 by oneOf"] = () => $$"""{"allOf":[{{Repeat(20, i => $$"""{"oneOf":[{"minLength":{{i}}},{"maxLength":{{i + 50}}}]}""")}}]}""",
        ["2^20 by anyOf"] = () => $$"""{"allOf":[{{Repeat(20, i => $$"""{"anyOf":[{"minimum":{{i}}},{"maximum":{{i + 50}}}]}""")}}]}""",
        ["100^3 by anyOf"] =
            () => $$"""{"allOf":[{{Repeat(3, _ => $$"""{"anyOf":[{{Repeat(100, i => $$"""{"required":["r{{i}}"]}""")}}]}""")}}]}""",
        ["nested choices"] = () => string.Concat(Enumerable.Repeat("""{"anyOf":[{"type":"null"},""", 30)) + "true"
            + string.Concat(Enumerable.Repeat("]}", 30)),
        ["choices in a ring"] = () => """{"$ref":"#/$defs/d0","$defs":{"""
            + Repeat(2_000, i => $"\"d{i}\":{{\"anyOf\":[{{\"$ref\":\"#/$defs/d{(i + 1) % 2_000}\"}},{{\"const\":{i}}}]}}") + "}}",
        ["choices of everything"] = () => """{"anyOf":[""" + Repeat(3_000, i => $"{{\"$ref\":\"#/$defs/d{i}\"}}") + """],"$defs":{"""
            + Repeat(3_000, i => $"\"d{i}\":{{\"anyOf\":[{{\"$ref\":\"#\"}},{{\"const\":{i}}}]}}") + "}}",
        ["minLength 1e9"] = () => """{"type":"string","minLength":1000000000}""",
        ["maxItems 1e9"] = () => """{"type":"array","items":{"type":"string","maxLength":1000000000},"maxItems":1000000000}""",
        ["minItems 10,000"] = () => """{"type":"array","minItems":10000}""",
        ["enum of 1,000,000"] = () => $$"""{"enum":[{{Repeat(1_000_000, i => $"{i}")}}]}""",
        ["enum of 49,000"] = () => $$"""{"enum":[{{Repeat(49_000, i => $"{i}")}}]}""",
        ["enum of 90,000"] = () => $$"""{"enum":[{{Repeat(90_000, i => $"{i}")}}]}""",
        ["enum of 60,000 texts"] = () => $$"""{"enum":[{{Repeat(60_000, i => $"\"text {i}\"")}}]}""",
        ["enum of 4,900 objects"] = () => $$"""{"enum":[{{Repeat(4_900, i => $"{{\"a\":{i}}}")}}]}""",
        ["enum of 50,000 objects"] = () => $$"""{"enum":[{{Repeat(50_000, i => $"{{\"a\":{i}}}")}}]}""",
        ["depth 10,000"] = () => string.Concat(Enumerable.Repeat("""{"items":""", 10_000)) + "{}" + new string('}', 10_000),
        ["depth 65"] = () => string.Concat(Enumerable.Repeat("""{"items":""", 64)) + "{}" + new string('}', 64),
        ["const of depth 10,000"] = () => "{\"const\":" + new string('[', 10_000) + new string(']', 10_000) + "}",
        ["3,900 objects"] =
            () => "{\"properties\":{" + Repeat(3_900, i => $"\"p{i}\":{{\"properties\":{{\"a\":{{}}}},\"required\":[\"a\"]}}") + "}}",
        ["3,900 arrays"] = () => "{\"properties\":{" + Repeat(3_900, i =>
            $"\"p{i}\":{{\"type\":[\"array\",\"string\",\"number\"],\"items\":{{\"type\":\"integer\"}},\"minItems\":1,\"maximum\":{i}}}")
                + "}}",
        ["9,000 properties"] = () => "{\"properties\":{" + Repeat(9_000, i => $"\"p{i}\":{Integer}") + "}}",
        ["20,000 properties"] = () => "{\"properties\":{" + Repeat(20_000, i => $"\"p{i}\":{Integer}") + "}}",
        ["9,000 objects"] =
            () => "{\"properties\":{" + Repeat(9_000, i => $"\"p{i}\":{{\"properties\":{{\"a\":{{}}}},\"required\":[\"a\"]}}") + "}}",
        ["chain of references"] = () => """{"$ref":"#/$defs/d0","$defs":{""" + Repeat(3_000, ChainLink) + "}}",
        ["references among 30,000 definitions"] = () => "{\"properties\":{" + Repeat(9_000, i => $"\"p{i}\":{{\"$ref\":\"#/$defs/d{i}\"}}")
            + "},\"$defs\":{" + Repeat(30_000, i => $"\"d{i}\":{{}}") + "}}",
        ["long reference"] = () => "{\"$ref\":\"#/" + Long + "\"}",
        ["reference of many steps"] = () => "{\"$ref\":\"#" + string.Concat(Enumerable.Repeat("/a", 400_000)) + "\"}",
        ["allOf tree"] = () => """{"$ref":"#/$defs/d0","$defs":{""" + Repeat(30, TreeNode) + ""","d30":{"type":"null"}}}""",
        ["allOf of 45,000"] = () => "{\"allOf\":[" + Repeat(45_000, _ => "{}") + "]}",
        ["allOf of 90,000"] = () => "{\"allOf\":[" + Repeat(90_000, _ => "{}") + "]}",
        ["all references"] = () => "{\"allOf\":[" + Repeat(2_000, i => $"{{\"properties\":{{\"a\":{{\"$ref\":\"#/allOf/{i}\"}}}}}}") + "]}",
        ["items of items"] =
            () => string.Concat(Enumerable.Repeat("""{"type":"array","minItems":1,"items":""", 60)) + "{}" + new string('}', 60),
        ["tuple of 15,000"] = () => "{\"prefixItems\":[" + Repeat(15_000, _ => "{}") + "]}",
        ["tuple of 50,000"] = () => "{\"prefixItems\":[" + Repeat(50_000, _ => "{}") + "]}",
        ["long names"] = () => "{\"properties\":{\"" + Long + "\":{\"type\":\"text\"}}}",
        ["long name, often"] = () => Often("{\"properties\":{\"" + Long + "\":{}}}"),
        ["long const, often"] = () => Often("{\"const\":\"" + Long + "\"}"),
        ["long pattern, often"] = () => Often("{\"pattern\":\"" + Long + "\"}"),
        ["long format, often"] = () => Often("{\"format\":\"" + Long + "\"}"),
        ["long number, often"] = () => Often("{\"minimum\":" + new string('9', 900_000) + "}"),
        ["many types, often"] = () => Often("{\"type\":[" + Repeat(80_000, _ => "\"string\"") + "]}"),
        ["many patterns"] = () => "{\"properties\":{" + Repeat(1_000, i => $"\"p{i}\":{{\"pattern\":\"^(a|b)*a(a|b){{7}}x{i}$\"}}") + "}}",
        ["many costly patterns"] = () => "{\"properties\":{" + Repeat(60, i => $"\"p{i}\":{{\"pattern\":\"(.*a){{20}}x{i}\"}}") + "}}",
        ["many lengths of a pattern"] = () =>
            "{\"properties\":{" + Repeat(60, i => $"\"p{i}\":{{\"pattern\":\"a+b\",\"maxLength\":{i + 900}}}") + "}}",
        ["all at once"] = () => "{\"properties\":{"
            + Repeat(4_000, i => $"\"p{i}\":{{\"type\":[\"object\",\"array\",\"string\",\"number\",\"null\"],"
                + $"\"items\":{Integer},\"minimum\":{i},\"required\":[\"a{i}\"],\"anyOf\":[{{}},true]}}")
            + ",\"q\":{\"pattern\":\"^(a|b)*a(a|b){9}$\"},\"r\":{\"enum\":[" + Repeat(10_000, i => $"\"v{i}\"") + "]}}}",
    };

    /// <summary>A schema that is part of 800 rules.</summary>
    private static string Often(string schema) =>
        "{\"$defs\":{\"a\":" + schema + "},\"properties\":{"
            + Repeat(800, i => $"\"p{i}\":{{\"allOf\":[{{\"$ref\":\"#/$defs/a\"}},{{\"minLength\":{i}}}]}}") + "}}";

    private static string ChainLink(int i) =>
        $"\"d{i}\":{{\"required\":[\"a\"],\"properties\":{{\"a\":{{\"$ref\":\"#/$defs/d{(i + 1) % 3_000}\"}}}}}}";

    private static string TreeNode(int i) =>
        $"\"d{i}\":{{\"allOf\":[{{\"$ref\":\"#/$defs/d{i + 1}\"}},{{\"$ref\":\"#/$defs/d{i + 1}\"}}]}}";

    private static string Repeat(int count, Func<int, string> item)
    {
        var text = new StringBuilder();
        for (var i = 0; i < count; i++)
        {
            text.Append(i == 0 ? "" : ",").Append(item(i));
        }

        return text.ToString();
    }
}
