using System.Text;

namespace GptOss.Net.Tests.StructuredOutput;

public sealed class SchemaRefusalTests(ITestOutputHelper output)
{
    // Allocations stand for the memory bound; they include what is collected meanwhile.
    private const long MaxAllocated = 128L << 20;

    public static TheoryData<string> Bombs =>
    [
        "recursive", "endless", "two choices, 2^20", "nested choices", "enum of 1,000,000", "depth 10,000", "10,000 properties", "20,000 properties",
        "chain of references", "allOf tree", "items of items", "const depth 10,000", "long names", "many patterns", "all references",
    ];

    public static TheoryData<string> HostilePatterns =>
    [
        "(a+)+$", "(a*)*b", "^(a|aa)+$", "(a|a)*$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*a){20}", "(x+x+)+y", "^(a?){50}a{50}$", "a{1,1000}{1,1000}",
        "((((((a{9}){9}){9}){9}){9}){9})", "^(a|b)*a(a|b){20}$", @"(\w+\d+)+\s", "(.*.*.*.*)*x", "[\\s\\S]{0,5000}x", "^(?:a|ab)(?:c|bcd)*$",
        @"(?=a)b", @"(?<!a)b", @"(a)\1", @"\bword\b", @"\p{L}+", "(", ")", "[", "a{2,1}", "*a", "\\", "(?i)a", "[z-a]", "^a$b", @"\q",
    ];

    [Theory]
    [MemberData(nameof(Bombs))]
    public void Schema_bombs_compile_or_are_refused_within_bounds(string bomb) => CompilesOrIsRefused(Bomb(bomb));

    [Theory]
    [MemberData(nameof(HostilePatterns))]
    public void Hostile_patterns_compile_or_are_refused_within_bounds(string pattern) =>
        CompilesOrIsRefused($$"""{"type":"string","pattern":{{System.Text.Json.JsonSerializer.Serialize(pattern)}}}""");

    [Fact]
    public void Nested_groups_do_not_nest_the_stack() =>
        CompilesOrIsRefused($$"""{"type":"string","pattern":"{{new string('(', 60_000)}}a{{new string(')', 60_000)}}"}""");

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

    private void CompilesOrIsRefused(string json)
    {
        var schema = Schemas.Parse(json);
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            GptOss.Net.StructuredOutput.JsonSchemaGrammar.Compile(schema).Start().Should().NotBeNull();
        }
        catch (Exception refused) when (refused is ArgumentException or NotSupportedException)
        {
            refused.Message.Should().MatchRegex("^The JSON schema (is|cannot)").And.Subject.Length.Should().BeLessThan(1_000);
        }

        output.WriteLine($"{System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalMilliseconds:F0} ms, {(GC.GetAllocatedBytesForCurrentThread() - before) >> 20} MiB");
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(MaxAllocated);
    }

    private static string Bomb(string name) => name switch
    {
        "recursive" => """{"type":"object","properties":{"a":{"$ref":"#"},"b":{"type":"array","items":{"$ref":"#/properties/b"}}}}""",
        "endless" => """{"type":"array","items":{"$ref":"#"},"minItems":1}""",
        "two choices, 2^20" => $$"""{"allOf":[{{Repeat(20, i => $$"""{"oneOf":[{"minLength":{{i}}},{"maxLength":{{i + 50}}}]}""")}}]}""",
        "nested choices" => string.Concat(Enumerable.Repeat("""{"anyOf":[{"type":"null"},""", 60)) + "true" + string.Concat(Enumerable.Repeat("]}", 60)),
        "enum of 1,000,000" => $$"""{"enum":[{{Repeat(1_000_000, i => $"{i}")}}]}""",
        "depth 10,000" => string.Concat(Enumerable.Repeat("""{"items":""", 10_000)) + "{}" + new string('}', 10_000),
        "10,000 properties" => "{\"properties\":{" + Repeat(9_000, i => $"\"p{i}\":{Integer}") + "}}",
        "20,000 properties" => "{\"properties\":{" + Repeat(20_000, i => $"\"p{i}\":{Integer}") + "}}",
        "chain of references" => """{"$ref":"#/$defs/d0","$defs":{""" + Repeat(3_000, ChainLink) + "}}",
        "allOf tree" => """{"$ref":"#/$defs/d0","$defs":{""" + Repeat(30, TreeNode) + ""","d30":{"type":"null"}}}""",
        "items of items" => string.Concat(Enumerable.Repeat("""{"type":"array","minItems":1,"items":""", 100)) + "{}" + new string('}', 100),
        "const depth 10,000" => "{\"const\":" + new string('[', 10_000) + new string(']', 10_000) + "}",
        "long names" => "{\"properties\":{\"" + new string('n', 900_000) + "\":{\"type\":\"text\"}}}",
        "many patterns" => "{\"properties\":{" + Repeat(1_000, i => $"\"p{i}\":{{\"pattern\":\"^(a|b)*a(a|b){{7}}x{i}$\"}}") + "}}",
        "all references" => "{\"allOf\":[" + Repeat(2_000, i => $"{{\"properties\":{{\"a\":{{\"$ref\":\"#/allOf/{i}\"}}}}}}") + "]}",
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    private const string Integer = """{"type":"integer"}""";

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
