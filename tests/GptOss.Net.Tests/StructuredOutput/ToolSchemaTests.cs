using System.Text.Json;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>
/// 100 schemas of arguments in the style of zod 3 and 4, pydantic, and generators for Java and Go, and 20 in that of public tool servers,
/// written for these tests.
/// </summary>
public sealed class ToolSchemaTests
{
    private static readonly string[] NotEnforced =
        ["'uniqueItems'", "'contains'", "'if'", "'multipleOf'", "too much work", "Properties'", "schemas.example"];

    public static TheoryData<string> Tools => [.. All().Keys];

    [Fact]
    public void There_are_a_hundred_and_twenty() => All().Should().HaveCount(120);

    [Theory]
    [MemberData(nameof(Tools))]
    public void No_schema_is_refused_and_what_is_not_enforced_is_listed(string tool)
    {
        var schema = All()[tool];
        var grammar = JsonSchemaGrammar.CompileArguments(schema, TestContext.Current.CancellationToken);

        var omissions = new List<string>();
        foreach (var omission in grammar.Omissions)
        {
            omissions.Add($"{omission}");
        }

        omissions.Where(omission => !NotEnforced.Any(keyword => omission.Contains(keyword, StringComparison.Ordinal))).Should().BeEmpty();
        foreach (var keyword in NotEnforced[..3])
        {
            var isThere = schema.GetRawText().Contains($"\"{keyword.Trim('\'')}\":", StringComparison.Ordinal);
            omissions.Any(omission => omission.Contains(keyword, StringComparison.Ordinal)).Should().Be(isThere, "of {0}", keyword);
        }
    }

    [Theory]
    [MemberData(nameof(Tools))]
    public void Random_arguments_are_objects(string tool)
    {
        var schema = All()[tool];
        var grammar = JsonSchemaGrammar.CompileArguments(schema, TestContext.Current.CancellationToken);
        var random = new Random(7);
        for (var walk = 0; walk < LongTests.Cases(3, 100); walk++)
        {
            var arguments = JsonElement.Parse(RandomWalk.Run(grammar, random));
            arguments.ValueKind.Should().Be(JsonValueKind.Object);
        }
    }

    private static Dictionary<string, JsonElement> All() => File
        .ReadLines(Path.Combine(AppContext.BaseDirectory, "TestData", "tool-schemas.jsonl"))
        .Select(line => JsonElement.Parse(line))
        .ToDictionary(tool => tool.GetProperty("tool").GetString()!, tool => tool.GetProperty("schema"), StringComparer.Ordinal);
}
