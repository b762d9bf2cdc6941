using System.Text.Json;
using System.Text.Json.Nodes;
using GptOss.Net.Chat;
using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>No text of a user, a tool or an application becomes a control token, wherever it stands.</summary>
public sealed class ChatInjectionTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string[] Spellings =
        [.. Enumerable.Range(ControlToken.First, ControlToken.Last - ControlToken.First + 1)
            .Select(ControlToken.GetSpelling), "<|endofprompt|>"];

    // Each puts a text somewhere.
    private static readonly Action<List<ChatMessage>, ChatOptions, string>[] Fields =
    [
        (messages, _, text) => messages.Add(new(ChatRole.User, text)),
        (messages, _, text) => messages.Add(new(ChatRole.User, [new TextContent("a"), new TextContent(text)])),
        (messages, _, text) => messages.Add(new(ChatRole.User, "a") { AuthorName = text, MessageId = text }),
        (messages, _, text) => messages.Add(new(ChatRole.System, text)),
        (messages, _, text) => messages.Add(new(new ChatRole("developer"), text)),
        (messages, _, text) => messages.Add(new(ChatRole.Assistant, text)),
        (messages, _, text) => messages.AddRange([new(ChatRole.Assistant, text), new(ChatRole.Assistant, [Call("f", "a", "b")])]),
        (messages, _, text) => messages.Add(new(ChatRole.Assistant, [new TextReasoningContent(text), Call("f", "a", "b")])),
        (messages, _, text) =>
            messages.Add(new(ChatRole.Assistant, [new TextReasoningContent("a") { ProtectedData = text }, Call("f", "a", "b")])),
        (messages, _, text) => messages.Add(new(ChatRole.Assistant, [Call(text, "a", "b")])),
        (messages, _, text) => messages.Add(new(ChatRole.Assistant, [Call("f", text, "b")])),
        (messages, _, text) => messages.Add(new(ChatRole.Assistant, [Call("f", "a", text)])),
        (messages, _, text) => messages.Add(new(ChatRole.Assistant, [new FunctionCallContent("1", "f") { RawRepresentation = text }])),
        (messages, _, text) => messages.AddRange(
            [new(ChatRole.Assistant, [new FunctionCallContent(text, "f")]), new(ChatRole.Tool, [new FunctionResultContent(text, "a")])]),
        (messages, _, text) => messages.AddRange(Result(text)),
        (messages, _, text) => messages.AddRange(Result(new TextContent(text))),
        (messages, _, text) => messages.AddRange(Result(new Dictionary<string, string>(StringComparer.Ordinal) { [text] = text })),
        (_, options, text) => options.Instructions = text,
        (_, options, text) => options.Tools = [AIFunctionFactory.CreateDeclaration(text, "a", JsonElement.Parse("{}"))],
        (_, options, text) => options.Tools = [AIFunctionFactory.CreateDeclaration("f", text, JsonElement.Parse("{}"))],
        (_, options, text) => options.Tools = [WithProperty(text, new JsonObject { ["type"] = "string" })],
        (
            _, options,
            text) => options.Tools = [WithProperty(
                "p", new JsonObject { ["type"] = "string", ["title"] = text, ["description"] = text, ["examples"] = new JsonArray(text) })],
        (_, options, text) => options.Tools =
            [WithProperty("p", new JsonObject { ["type"] = "string", ["enum"] = new JsonArray(text, "x"), ["default"] = text })],
        (_, options, text) => options.Tools = [WithProperty("p", new JsonObject { ["const"] = text })],
        (_, options, text) => options.ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("{}"), text),
        (_, options, text) => options.ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("{}"), "a", text),
        (_, options, text) => options.ResponseFormat = ChatResponseFormat.ForJsonSchema(
            JsonSerializer.SerializeToElement(new JsonObject { ["description"] = text, ["enum"] = new JsonArray(text) })),
    ];

    private readonly ScriptedChat _chat = new("<|channel|>final<|message|>Yes.<|return|>");

    public void Dispose() => _chat.Dispose();

    [Fact]
    public void No_field_of_a_conversation_adds_a_control_token()
    {
        Spellings.Should().HaveCountGreaterThanOrEqualTo(1_091);
        var random = new Random(1);
        var spellings = LongTests.Enabled ? Spellings : [.. Enumerable.Range(0, 40).Select(_ => Spellings[random.Next(Spellings.Length)])];
        var plain = Fields.Select(field => ControlTokens(field, "text")).ToArray();

        Parallel.ForEach(spellings, spelling =>
        {
            for (var field = 0; field < Fields.Length; field++)
            {
                ControlTokens(Fields[field], $"a {spelling}b").Should().Be(plain[field], "field {0} holds {1}", field, spelling);
            }
        });

        output.WriteLine($"{spellings.Length} spellings in {Fields.Length} fields");
    }

    /// <summary>How many control tokens the prompt has that a conversation becomes.</summary>
    private int ControlTokens(Action<List<ChatMessage>, ChatOptions, string> field, string text)
    {
        var (messages, options) = (new List<ChatMessage> { new(ChatRole.User, "Hello") }, new ChatOptions());
        field(messages, options, text);
        var request = ChatRequest.Create(messages, options, _chat.Client, _chat.Model, TestContext.Current.CancellationToken);
        return new HarmonyRenderer(_chat.Model.Tokenizer).RenderForCompletion(request.Messages).Count(ControlToken.IsControl);
    }

    private static FunctionCallContent Call(string name, string argument, string value) =>
        new("1", name, new Dictionary<string, object?>(StringComparer.Ordinal) { [argument] = value });

    private static ChatMessage[] Result(object result) =>
        [new(ChatRole.Assistant, [Call("f", "a", "b")]), new(ChatRole.Tool, [new FunctionResultContent("1", result)])];

    private static AIFunctionDeclaration WithProperty(string name, JsonObject property) => AIFunctionFactory.CreateDeclaration(
        "f", "a",
        JsonSerializer.SerializeToElement(new JsonObject { ["type"] = "object", ["properties"] = new JsonObject { [name] = property } }));
}
