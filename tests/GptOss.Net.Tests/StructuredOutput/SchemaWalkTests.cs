using System.Diagnostics;
using System.Text.Json;
using Json.Schema;

namespace GptOss.Net.Tests.StructuredOutput;

public sealed class SchemaWalkTests(ITestOutputHelper output)
{
    private const int Walks = 10;

    [Fact]
    public void Answers_for_random_schemas_parse_and_validate()
    {
        var schemas = LongTests.Cases(60, 10_000);
        var started = Stopwatch.GetTimestamp();

        Parallel.For(0, schemas, seed =>
        {
            var random = new Random(seed);
            var json = RandomSchema.Create(random).ToJsonString();
            var grammar = Schemas.Compile(json);
            var validator = JsonSchema.FromText(json);
            for (var walk = 0; walk < Walks; walk++)
            {
                var text = RandomWalk.Run(grammar, random);
                validator.Evaluate(JsonElement.Parse(text)).IsValid.Should().BeTrue("'{0}' answers '{1}' (seed {2})", text, json, seed);
            }
        });

        output.WriteLine($"{schemas} schemas, {schemas * Walks} answers that parse and validate, in {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s");
    }
}
