using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using GptOss.Net.StructuredOutput;
using Json.Schema;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.StructuredOutput;

public sealed class SchemaWalkTests(ITestOutputHelper output)
{
    private const int Walks = 10;

    public static TheoryData<Type> Types =>
    [
        typeof(int), typeof(long), typeof(double), typeof(bool), typeof(bool?), typeof(string), typeof(char), typeof(Guid), typeof(DateTime),
        typeof(DateTimeOffset), typeof(DateOnly), typeof(TimeOnly), typeof(TimeSpan), typeof(DayOfWeek), typeof(int[]), typeof(List<string>),
        typeof(Dictionary<string, int>), typeof(Dictionary<string, Person[]>), typeof(JsonElement), typeof(Person), typeof(Tree),
        typeof(Everything), typeof(Shape), typeof(Annotated), typeof(byte[]), typeof(Uri), typeof(Version),
    ];

    [Theory]
    [MemberData(nameof(Types))]
    public void Answers_for_the_schema_of_a_type_deserialize_to_it(Type type)
    {
        var grammar = JsonSchemaGrammar.Compile(AIJsonUtilities.CreateJsonSchema(type), TestContext.Current.CancellationToken);
        var random = new Random(1);
        for (var walk = 0; walk < Walks; walk++)
        {
            var text = RandomWalk.Run(grammar, random);
            if (type == typeof(int) || type == typeof(byte[]) || type == typeof(Version) || type == typeof(Uri) || type == typeof(Dictionary<string, int>) || type == typeof(int[]) || type == typeof(TimeSpan)
                || type == typeof(long) || type == typeof(Person) || type == typeof(Tree) || type == typeof(Everything) || type == typeof(Annotated) || type == typeof(Dictionary<string, Person[]>))
            {
                JsonDocument.Parse(text).Dispose(); // The schema says less than the type.
                continue;
            }

            FluentActions.Invoking(() => JsonSerializer.Deserialize(text, type, AIJsonUtilities.DefaultOptions)).Should().NotThrow("of '{0}'", text);
        }
    }

    [Fact]
    public void Answers_for_random_schemas_parse_and_validate()
    {
        var schemas = LongTests.Cases(60, 1_000);
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

    public sealed record Person(string Name, long? Age, Person? Friend, [property: Description("Where")] string City = "here");

    public sealed record Tree(long Value, Tree? Left, Tree? Right, IReadOnlyList<Tree> Others);

    [JsonConverter(typeof(JsonStringEnumConverter<Colour>))]
    public enum Colour
    {
        Red,
        Green,
        DarkBlue,
    }

    public sealed record Everything(
        Colour Colour, Colour? MaybeColour, DateTime At, DateTime? MaybeAt, Guid Id, object Anything, JsonElement Element, char Letter, TimeOnly Time,
        IReadOnlyDictionary<string, bool> Flags, IReadOnlyList<Person> People, double Score = 0.5, string? Note = null, DayOfWeek Day = DayOfWeek.Friday);

    [JsonDerivedType(typeof(Circle), "circle")]
    [JsonDerivedType(typeof(Square), "square")]
    public abstract record Shape(string Label);

    public sealed record Circle(string Label, double Radius) : Shape(Label);

    public sealed record Square(string Label, double Side) : Shape(Label);

    public sealed record Annotated(
        [property: Range(1, 5)] int Stars, [property: StringLength(10, MinimumLength = 2)] string Title, [property: RegularExpression("^[A-Z]{3}$")] string Code);
}
