using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>Contents that are no plain text: one rule for each kind, wherever it stands.</summary>
public sealed class ChatContentTests : IDisposable
{
    private const string Picture = "[image/png, 3 bytes: not shown, the model reads text only]";

    private readonly ScriptedChat _chat = new("<|channel|>final<|message|>Yes.<|return|>");

    /// <summary>Gets contents and how they are told where they are not asked about.</summary>
    public static TheoryData<AIContent, string> Contents => new()
    {
        {
            new DataContent(new byte[30_000], "image/png") { Name = "cat.png" },
            "[image/png, cat.png, 30000 bytes: not shown, the model reads text only]"
        },
        { new DataContent(Encoding.UTF8.GetBytes("a,b\n1,ü"), "text/csv"), "a,b\n1,ü" },
        { new DataContent(Encoding.UTF8.GetBytes("{\"a\":1}"), "application/json"), "{\"a\":1}" },
        { new DataContent(Encoding.UTF8.GetBytes("<a/>"), "image/svg+xml"), "<a/>" },
        {
            new UriContent("https://example.org/a.png", "image/png"),
            "[image/png, https://example.org/a.png: not shown, the model reads text only]"
        },
        { new ErrorContent("It broke."), "Error: It broke." },
        { new HostedFileContent("file_1") { Name = "a.pdf" }, "[file, a.pdf: not shown, the model reads text only]" },
        { new HostedVectorStoreContent("vs_1"), "[files, vs_1: not shown, the model reads text only]" },
        { new UsageContent(new UsageDetails { InputTokenCount = 1 }), "" },
        { new TextReasoningContent("") { ProtectedData = "AAAA" }, "" },
        { new McpServerToolCallContent("1", "find", "files"), "[McpServerToolCallContent: not shown, the model reads text only]" },
    };

    public void Dispose() => _chat.Dispose();

    [Theory]
    [MemberData(nameof(Contents), DisableDiscoveryEnumeration = true)]
    public void A_content_is_told_alike_wherever_it_stands(AIContent content, string told)
    {
        var line = told.Length > 0 ? "\n" + told : "";
        foreach (var isStored in new[] { false, true })
        {
            Prompt(isStored, new(ChatRole.User, [new TextContent("Look"), content]), new(ChatRole.Assistant, "Hm."))
                .Should().Contain($"<|start|>user<|message|>Look{line}<|end|>");
            Prompt(isStored, new(ChatRole.Assistant, [new TextContent("Look"), content]), new(ChatRole.User, "Hm."))
                .Should().Contain($"<|channel|>final<|message|>Look{line}<|end|>");
            Prompt(isStored, new(ChatRole.System, [new TextContent("Look"), content]), new(ChatRole.Assistant, "Hm."))
                .Should().Contain($"# Instructions\n\nLook{line}<|end|>");
            Result(isStored, content).Should().Contain($"<|message|>{told}<|end|>");
            Result(isStored, new List<AIContent> { new TextContent("Look"), content }).Should().Contain($"<|message|>Look{line}<|end|>");
            Result(isStored, new[] { content, new TextContent("Look") }).Should()
                .Contain($"<|message|>{(told.Length > 0 ? told + "\n" : "")}Look<|end|>");
        }
    }

    [Fact]
    public void A_picture_beside_a_result_loses_neither()
    {
        var prompt = Prompt(
            false,
            new(ChatRole.User, "Hi"),
            new(ChatRole.Assistant, [new FunctionCallContent("1", "f")]),
            new(ChatRole.Tool, [new FunctionResultContent("1", "one"), new TextContent("see"), new DataContent(new byte[3], "image/png")]));

        prompt.Should().EndWith(
            "<|start|>functions.f to=assistant<|channel|>commentary<|message|>one<|end|>"
            + $"<|start|>functions.f to=assistant<|channel|>commentary<|message|>see\n{Picture}<|end|><|start|>assistant");
    }

    [Fact]
    public void A_call_and_its_result_are_found_in_messages_of_any_role()
    {
        AIContent[] contents = [new FunctionCallContent("1", "f"), new FunctionResultContent("1", "one")];
        foreach (var role in new[] { ChatRole.User, ChatRole.Assistant, ChatRole.System, ChatRole.Tool })
        {
            Prompt(false, new(ChatRole.User, "Hi"), new(role, contents)).Should().EndWith(
                "<|start|>user<|message|>Hi<|end|>"
                + "<|start|>assistant to=functions.f<|channel|>commentary <|constrain|>json<|message|>{}<|call|>"
                + "<|start|>functions.f to=assistant<|channel|>commentary<|message|>one<|end|><|start|>assistant");
        }
    }

    [Theory]
    [InlineData("user")]
    [InlineData("system")]
    public void What_the_user_asks_about_now_must_be_text(string role)
    {
        AIContent[] asked =
        [
            new DataContent("data:image/png;base64,AAAA"), new UriContent("http://example.org/a.png", "image/png"),
            new HostedFileContent("file_1"),
        ];
        foreach (var content in asked)
        {
            _chat.Client.Invoking(
                client => client.GetStreamingResponseAsync([new(ChatRole.Assistant, "Hi"), new(new ChatRole(role), [content])]))
                .Should().Throw<NotSupportedException>().WithMessage($"*{content.GetType().Name}*reads text only*");
        }
    }

    [Theory]
    [InlineData(
        """{"content":[{"type":"text","text":"t"},{"type":"image","data":"AQID","mimeType":"image/png"}],"isError":true}""",
        """{"content":[{"type":"text","text":"t"},{"type":"image","data":"PICTURE","mimeType":"image/png"}],"isError":true}""")]
    [InlineData("""{"resource":{"uri":"a://b","mimeType":"image/png","blob":"AQID"}}""",
        """{"resource":{"uri":"a://b","mimeType":"image/png","blob":"PICTURE"}}""")]
    [InlineData("""["data:image/png;base64,AQID",1]""", """["PICTURE",1]""")]
    [InlineData("""{"data":"AQID","type":"image"}""", null)]
    [InlineData("""{"data":"no base64!","mimeType":"image/png"}""", null)]
    [InlineData("""{"data":"AQID","mimeType":"text/plain"}""", null)]
    [InlineData("""{"a":"data: none","mimeType":5,"data":"AQID"}""", null)]
    [InlineData("""["data:text/plain,hello"]""", null)]
    [InlineData("""{"mimeType":"image/png","data":"AQID","data":"AQID"}""", null)]
    public void Pictures_within_json_are_replaced(string json, string? told) =>
        Result(false, JsonElement.Parse(json)).Should()
            .Contain($"<|message|>{(told ?? json).Replace("PICTURE", Picture, StringComparison.Ordinal)}<|end|>");

    [Fact]
    public void What_only_looks_like_a_content_is_json()
    {
        foreach (var json in new[] { """{"$type":"thing","a":1}""", """[{"$type":"text","text":"x"},1]""", """{"$type":5}""", "[]" })
        {
            Result(false, JsonElement.Parse(json)).Should().Contain($"<|message|>{json}<|end|>");
        }
    }

    [Fact]
    public void Results_read_alike_before_and_after_they_were_stored()
    {
        object?[] results =
            [Guid.Empty, DateTime.UnixEpoch, 1.50m, new[] { 1, 2 }, new { A = "ü" }, "text", null, 'x', new byte[] { 1, 2, 3 }];
        foreach (var result in results)
        {
            Result(true, result).Should().Be(Result(false, result));
        }
    }

    private string Result(bool isStored, object? result) => Prompt(
        isStored, new(ChatRole.Assistant, [new FunctionCallContent("1", "f")]),
        new(ChatRole.Tool, [new FunctionResultContent("1", result)]));

    private string Prompt(bool isStored, params ChatMessage[] messages) => _chat.Render(isStored ? Stored(messages) : messages);

    private static ChatMessage[] Stored(ChatMessage[] messages) => JsonSerializer.Deserialize<ChatMessage[]>(
        JsonSerializer.Serialize(messages, AIJsonUtilities.DefaultOptions), AIJsonUtilities.DefaultOptions)!;
}
