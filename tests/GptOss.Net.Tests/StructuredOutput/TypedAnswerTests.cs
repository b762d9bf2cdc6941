using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using GptOss.Net.Chat;
using GptOss.Net.StructuredOutput;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>Answers of .NET types, as <c>GetResponseAsync&lt;T&gt;</c> asks for them and reads them.</summary>
public sealed class TypedAnswerTests
{
    private const int Walks = 60;

    public static TheoryData<Type> Types =>
    [
        typeof(sbyte), typeof(byte), typeof(short), typeof(ushort), typeof(int), typeof(uint), typeof(long), typeof(ulong), typeof(float),
        typeof(double), typeof(decimal), typeof(Half), typeof(int?), typeof(decimal?), typeof(bool), typeof(bool?), typeof(string),
        typeof(char),
        typeof(Guid), typeof(Guid?), typeof(DateTime), typeof(DateTimeOffset), typeof(DateOnly), typeof(TimeOnly), typeof(TimeSpan),
        typeof(TimeSpan?), typeof(Uri), typeof(Version), typeof(byte[]), typeof(ReadOnlyMemory<byte>), typeof(DayOfWeek),
        typeof(DayOfWeek?),
        typeof(Access), typeof(Colour), typeof(int[]), typeof(byte[][]), typeof(List<string>), typeof(HashSet<int>), typeof(Node[]),
        typeof(List<Node>),
        typeof(Dictionary<string, int>), typeof(Dictionary<int, string>), typeof(Dictionary<byte, bool>), typeof(Dictionary<Guid, int>),
        typeof(Dictionary<DayOfWeek, decimal>), typeof(Dictionary<DateOnly, int[]>), typeof(Dictionary<string, Person[]>),
        typeof(SortedDictionary<long, Uri>), typeof(KeyValuePair<string, int>), typeof(JsonElement), typeof(object), typeof(Nothing),
        typeof(Person), typeof(Tree), typeof(Node), typeof(Everything), typeof(Shape), typeof(Shape[]), typeof(Annotated), typeof(Denied),
        typeof(Limits),
    ];

    [Theory]
    [MemberData(nameof(Types))]
    public void Random_answers_deserialize(Type type) => typeof(TypedAnswerTests)
        .GetMethod(nameof(Walk), System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)!
        .MakeGenericMethod(type).Invoke(null, null);

    private static void Walk<T>()
    {
        using var client = new WalkingClient(AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(T)));
        for (var walk = 0; walk < Walks; walk++)
        {
            var response = client.GetResponseAsync<T>("Hi", cancellationToken: TestContext.Current.CancellationToken)
                .GetAwaiter().GetResult();
            if (JsonElement.Parse(response.Text) is { ValueKind: JsonValueKind.Object } answer
                && answer.TryGetProperty("data", out var data)
                && data.ValueKind == JsonValueKind.Null)
            {
                continue; // Null is an answer, which Result does not return.
            }

            FluentActions.Invoking(() => response.Result).Should().NotThrow("of '{0}'", response.Text);
        }
    }

    /// <summary>Answers at random, as the options let a model answer.</summary>
    private sealed class WalkingClient(JsonTypeInfo type) : IChatClient
    {
        private readonly Random _random = new(1);
        private JsonSchemaGrammar? _plain;
        private JsonSchemaGrammar? _typed;

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            _plain ??= Grammar(options!, cancellationToken);
            _typed ??= Grammar(TypedAnswer.Apply(options!, new GptOssRequestOptions { ResponseType = type }), cancellationToken);
            RandomWalk.Run(_plain, _random).Should().NotBeEmpty("the schema is accepted also as it is");
            return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, RandomWalk.Run(_typed, _random))));
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
                throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }

        private static JsonSchemaGrammar Grammar(ChatOptions options, CancellationToken cancellationToken) =>
            JsonSchemaGrammar.Compile(((ChatResponseFormatJson)options.ResponseFormat!).Schema!.Value, cancellationToken);
    }

    [Flags]
    public enum Access
    {
        None = 0,
        Read = 1,
        Write = 2,
    }

    public sealed class Node
    {
        public string Name { get; set; } = "";

        public Node? Next { get; set; }

        public List<Node> Others { get; set; } = [];
    }

    public sealed class Nothing;

    public sealed record Denied(
        [property: DeniedValues("x", "y")] string Text, [property: DeniedValues(0, 1)] int Number,
        [property: AllowedValues("a", "b")] string Letter,
        [property: Base64String] string Bytes);

    public sealed record Limits(
        [property: Range(typeof(decimal), "0.01", "999.99")] decimal Price, [property: Range(0.0, 5.0)] double Score,
        [property: RegularExpression(@"^\p{L}[\p{L} ]{0,9}$")] string Name,
        [property: RegularExpression(@"^(?=.*\d)(?=.*[a-z]).{4,9}$")] string Secret,
        [property: Length(1, 3)] int[] Numbers, [property: RegularExpression(@"^(a)\1$")] string Unenforced, byte Small, long Large);

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
        Colour Colour, Colour? MaybeColour, DateTime At, DateTime? MaybeAt, Guid Id, object Anything, JsonElement Element, char Letter,
        TimeOnly Time,
        IReadOnlyDictionary<string, bool> Flags, IReadOnlyList<Person> People, double Score = 0.5, string? Note = null,
        DayOfWeek Day = DayOfWeek.Friday);

    [JsonDerivedType(typeof(Circle), "circle")]
    [JsonDerivedType(typeof(Square), "square")]
    public abstract record Shape(string Label);

    public sealed record Circle(string Label, double Radius) : Shape(Label);

    public sealed record Square(string Label, double Side) : Shape(Label);

    public sealed record Annotated(
        [property: Range(1, 5)] int Stars, [property: StringLength(10, MinimumLength = 2)] string Title,
        [property: RegularExpression("^[A-Z]{3}$")] string Code);
}
