using System.Diagnostics;
using System.Text.Json;
using GptOss.Net.StructuredOutput;
using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>
/// Whatever the schema is, its compilation keeps to its bounds. Allocations stand for them: they do not depend on the machine.
/// </summary>
public sealed class SchemaBoundTests(ITestOutputHelper output)
{
    private const long MaxAllocated = 32_000_000;

    public static TheoryData<string> Bombs => [.. SchemaBombs.All.Keys];

    [Theory]
    [MemberData(nameof(Bombs))]
    public void Schema_bombs_compile_or_are_refused_within_bounds(string bomb) =>
        output.WriteLine(CompileOrRefuse(SchemaBombs.All[bomb]()));

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"pattern\":\"^(a|b)*$\"}")]
    public void Compilation_can_be_cancelled(string schema) => FluentActions
        .Invoking(() => JsonSchemaGrammar.Compile(JsonElement.Parse(schema), new CancellationToken(canceled: true)))
        .Should().Throw<OperationCanceledException>();

    [Fact]
    public void Compiling_patterns_can_be_cancelled() => FluentActions
        .Invoking(() => PatternCompiler.Compile("^(a|b)*$", budget: new PatternBudget(new CancellationToken(canceled: true))))
        .Should().Throw<OperationCanceledException>();

    [Fact]
    public void Hostile_patterns_compile_or_are_refused_within_bounds()
    {
        HostilePatterns.All.Should().HaveCountGreaterThan(200).And.OnlyHaveUniqueItems();
        foreach (var pattern in HostilePatterns.All)
        {
            output.WriteLine($"{CompileOrRefuse(WithPattern(pattern))} {pattern}");
        }
    }

    [Fact]
    public void All_hostile_patterns_together_are_refused_within_bounds() => output.WriteLine(CompileOrRefuse(JsonSerializer.Serialize(new
    {
        properties = HostilePatterns.All.Where(Compiles).Select((pattern, i) => ($"p{i}", new { pattern })).ToDictionary(),
    })));

    [Theory]
    [InlineData(4_900)]
    [InlineData(400_000)]
    public void Nested_groups_do_not_nest_the_stack(int depth) =>
        output.WriteLine(CompileOrRefuse(WithPattern($"{new string('(', depth)}a{new string(')', depth)}")));

    [Fact]
    public void A_large_character_class_keeps_to_the_bounds()
    {
        var characters = string.Concat(Enumerable.Range(0, 9_900).Select(i => (char)(0x100 + (2 * i))));

        output.WriteLine(CompileOrRefuse(WithPattern($"^[{characters}]{{500}}$")));
    }

    private static bool Compiles(string pattern)
    {
        try
        {
            Schemas.Compile(WithPattern(pattern));
            return true;
        }
        catch (ArgumentException)
        {
            return false; // no string matches it
        }
    }

    private static string WithPattern(string pattern) => $$"""{"type":"string","pattern":{{JsonSerializer.Serialize(pattern)}}}""";

    /// <summary>Compiles a schema or sees it refused; tells what it cost.</summary>
    private static string CompileOrRefuse(string json)
    {
        var schema = Schemas.Parse(json);
        var (started, before) = (Stopwatch.GetTimestamp(), GC.GetAllocatedBytesForCurrentThread());
        var end = "compiled";
        try
        {
            JsonSchemaGrammar.Compile(schema).Start().Should().NotBeNull();
        }
        catch (Exception refused) when (refused is ArgumentException or NotSupportedException)
        {
            end = $"refused ({refused.Message})";
            refused.Message.Should().MatchRegex("^The JSON schema (is|cannot)").And.Subject.Length.Should().BeLessThan(1_000);
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var elapsed = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        allocated.Should().BeLessThanOrEqualTo(MaxAllocated, "it was {0}", end);
        return $"{elapsed:F0} ms, {allocated / 1e6:F1} MB, {end}";
    }
}
