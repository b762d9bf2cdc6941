using System.Diagnostics;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Tests.StructuredOutput;

public sealed class SchemaWalkTests(ITestOutputHelper output)
{
    private const int Walks = 10;

    [Fact]
    public void Answers_for_random_schemas_parse_and_validate() => Walk(20, RandomWalk.Run);

    [Fact]
    public void Texts_for_random_schemas_parse_and_validate() => Walk(LongTests.Cases(300, 10_000), RandomWalk.RunUnmasked);

    private void Walk(int schemas, Func<JsonSchemaGrammar, Random, string> run)
    {
        var started = Stopwatch.GetTimestamp();

        Parallel.For(0, schemas, seed =>
        {
            var random = new Random(seed);
            var json = RandomSchema.Create(random).ToJsonString();
            var grammar = Schemas.Compile(json);
            var validator = Schemas.Validator(json);
            for (var walk = 0; walk < Walks; walk++)
            {
                var text = run(grammar, random);
                Schemas.IsValid(validator, text).Should().BeTrue("'{0}' answers '{1}' (seed {2})", text, json, seed);
            }
        });

        output.WriteLine(
            $"{schemas} schemas, {schemas * Walks} answers that parse and validate, "
            + $"in {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s");
    }
}
