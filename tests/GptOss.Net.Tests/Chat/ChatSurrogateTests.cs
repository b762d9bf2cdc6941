using System.Text.Json;
using CsCheck;
using GptOss.Net.Chat;
using GptOss.Net.StructuredOutput;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>Half a surrogate pair in JSON from the wire is U+FFFD, wherever it stands.</summary>
public sealed class ChatSurrogateTests : IDisposable
{
    private readonly ScriptedChat _chat = new("<|channel|>final<|message|>Yes.<|return|>");

    private static JsonElement Broken { get; } = JsonElement.Parse("""{"a\ud83d":["x\ud83dy","\ude00","\\ud83d","\ud83d\ud83d"]}""");

    private static string Mended => """{"a�":["x�y","�","\\ud83d","��"]}""";

    public void Dispose() => _chat.Dispose();

    [Fact]
    public void In_a_result() =>
        Prompt(new FunctionCallContent("1", "f"), new FunctionResultContent("1", Broken)).Should().Contain($"<|message|>{Mended}<|end|>");

    [Fact]
    public void In_a_result_that_is_a_string() =>
        Prompt(new FunctionCallContent("1", "f"), new FunctionResultContent("1", JsonElement.Parse("\"x\\ud83d\""))).Should()
            .Contain("<|message|>x\uFFFD<|end|>");

    [Fact]
    public void In_arguments() =>
        Prompt(
            new FunctionCallContent(
                "1", "f", new Dictionary<string, object?>(StringComparer.Ordinal) { ["b"] = Broken, ["c\ud83d"] = "\ude00" }))
            .Should().Contain($$"""<|message|>{"b":{{Mended}},"c�":"�"}<|call|>""");

    [Fact]
    public void In_values_that_hold_json() =>
        Prompt(new FunctionCallContent("1", "f"), new FunctionResultContent("1", new List<object> { Broken, "\ud83d" }))
            .Should().Contain($"""<|message|>[{Mended},"�"]<|end|>""");

    [Fact]
    public void In_the_schema_of_a_function()
    {
        var schema = JsonElement.Parse(
            """{"type":"object","properties":{"a\ud83d":{"type":"string","enum":["x\ud83d"],"description":"d\ude00"}}}""");

        var prompt =
            _chat.Render([new(ChatRole.User, "Hi")], new() { Tools = [AIFunctionFactory.CreateDeclaration("f", "e\ud83d", schema)] });

        prompt.Should().Contain("\"a\uFFFD\"?: \"x\uFFFD\"").And.Contain("// d\uFFFD").And.Contain("// e\uFFFD");
    }

    [Fact]
    public async Task In_the_schema_of_an_answer()
    {
        using var chat = new ScriptedChat("<|channel|>final <|constrain|>json<|message|>\"x\uFFFD\"<|return|>");

        var response = await chat.Ask(
            options: new() { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"enum":["x\ud83d"]}""")) });

        response.Text.Should().Be("\"x\uFFFD\"");
    }

    [Fact]
    public void In_what_the_model_writes()
    {
        const string Written = """{"a\ude00": "\ud83d"}""";
        var reader = new FunctionCallReader(new ToolCatalog(null, new SchemaCache(), CancellationToken.None));
        reader.Append(Written);

        var call = reader.Take("functions.f")!;

        call.Arguments.Should().ContainSingle().Which.Key.Should().Be("a\uFFFD");
        ((JsonElement)call.Arguments!.Single().Value!).GetString().Should().Be("\uFFFD");
        CallArguments.TextOf(call).Should().Be(Written, "it is replayed as it was written");
    }

    [Fact]
    public void Any_text_becomes_whole_and_whole_text_stays()
    {
        var unit = Gen.OneOf(Gen.Int[0xD7FE, 0xE001], Gen.Int[0x20, 0x7E], Gen.Int[0xD83D, 0xD83D], Gen.Int[0xDE00, 0xDE00]);
        unit.Array[0, 12].Sample(
            units =>
            {
                var json = WholeJson.Parse($"\"{string.Concat(units.Select(value => $"\\u{value:x4}"))}\"");
                var expected = new System.Text.UTF8Encoding().GetString(
                    new System.Text.UTF8Encoding().GetBytes([.. units.Select(value => (char)value)]));
                return string.Equals(json.GetString(), expected, StringComparison.Ordinal);
            },
            iter: LongTests.Scale(2_000));
    }

    private string Prompt(params AIContent[] contents) => _chat.Render([new(ChatRole.User, "Hi"), new(ChatRole.Assistant, contents)]);
}
