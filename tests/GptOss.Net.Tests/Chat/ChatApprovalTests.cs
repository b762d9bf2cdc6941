using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>Calls that a person must approve of: the model sees what it would without.</summary>
public sealed class ChatApprovalTests
{
    private const string Thoughts = "<|channel|>analysis<|message|>I must delete it.<|end|><|start|>assistant";
    private const string Preamble = "<|channel|>commentary<|message|>One moment.<|end|><|start|>assistant";
    private const string Second = "<|channel|>analysis<|message|>Now.<|end|><|start|>assistant";
    private const string CallStart = "<|channel|>commentary to=functions.delete <|constrain|>json<|message|>";
    private const string Call = CallStart + """{"file": "a"}<|call|>""";
    private const string Answer = "<|channel|>final<|message|>Done.<|return|>";

    private static readonly AIFunction Delete = AIFunctionFactory.Create((string file) => $"deleted {file}", "delete");

    private static readonly ChatOptions Options = new() { Tools = [new ApprovalRequiredAIFunction(Delete)] };

    [Theory]
    [InlineData(true, "deleted a")]
    [InlineData(false, "Tool call invocation was rejected")]
    public async Task An_approval_leaves_no_trace_but_the_result(bool isApproved, string result)
    {
        using var chat = new ScriptedChat(
            prompt => prompt.Contains("<|start|>functions.delete", StringComparison.Ordinal)
                ? Answer
                : Thoughts + Preamble + Second + Call);
        using var client = new ChatClientBuilder(chat.Client).UseFunctionInvocation().Build();
        List<ChatMessage> history = [new(ChatRole.User, "Delete a")];
        await Turn();
        var request = history.SelectMany(message => message.Contents).OfType<ToolApprovalRequestContent>().Single();
        history.Add(new(ChatRole.User, [request.CreateResponse(isApproved)]));
        await Turn();
        history.Add(new(ChatRole.User, "Thanks"));
        await Turn();

        var turn = "<|start|>user<|message|>Delete a<|end|><|start|>assistant" + Thoughts + Preamble + Second
            + """ to=functions.delete<|channel|>commentary <|constrain|>json<|message|>{"file": "a"}<|call|>"""
            + "<|start|>functions.delete to=assistant<|channel|>commentary<|message|>";
        chat.Prompts.Should().HaveCount(3);
        chat.Prompts[1].Should().Contain(turn + result);
        var withoutThoughts = turn
            .Replace("<|start|>assistant" + Thoughts, "<|start|>assistant", StringComparison.Ordinal)
            .Replace(Second, "", StringComparison.Ordinal);
        chat.Prompts[2].Should().Contain(withoutThoughts + result);
        chat.Prompts[2].Should().EndWith(
            "<|start|>assistant<|channel|>final<|message|>Done.<|end|><|start|>user<|message|>Thanks<|end|><|start|>assistant");

        async Task Turn() => history.AddMessages(await client.GetResponseAsync(history, Options, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_call_that_was_edited_before_its_approval_is_told_as_edited()
    {
        using var chat = new ScriptedChat(prompt => prompt.Contains("<|start|>functions.delete", StringComparison.Ordinal) ? Answer : Call);
        using var client = new ChatClientBuilder(chat.Client).UseFunctionInvocation().Build();
        List<ChatMessage> history = [new(ChatRole.User, "Delete a")];
        history.AddMessages(await client.GetResponseAsync(history, Options, TestContext.Current.CancellationToken));
        var request = history.SelectMany(message => message.Contents).OfType<ToolApprovalRequestContent>().Single();
        ((FunctionCallContent)request.ToolCall).Arguments!["file"] = "b";
        history.Add(new(ChatRole.User, [request.CreateResponse(true)]));

        await client.GetResponseAsync(history, Options, TestContext.Current.CancellationToken);

        chat.Prompts[1].Should().Contain("""{"file":"b"}<|call|>""").And.Contain("deleted b").And.NotContain("\"a\"");
    }

    [Fact]
    public async Task Without_function_invocation_a_rejection_is_the_result()
    {
        using var chat = new ScriptedChat(Answer);
        var request = new ToolApprovalRequestContent("r", new FunctionCallContent("1", "delete"));
        foreach (var (reason, text) in new[] { ("Too late.", "The call was rejected: Too late."), (null, "The call was rejected.") })
        {
            ChatMessage[] history =
            [
                new(ChatRole.User, "Delete a"), new(ChatRole.Assistant, [new TextContent("One moment."), request]),
                new(ChatRole.User, [request.CreateResponse(false, reason)]),
            ];

            (await chat.Prompt(history)).Should().EndWith(
                "<|channel|>commentary<|message|>One moment.<|end|>"
                + "<|start|>assistant to=functions.delete<|channel|>commentary <|constrain|>json<|message|>{}<|call|>"
                + $"<|start|>functions.delete to=assistant<|channel|>commentary<|message|>{text}<|end|><|start|>assistant");
        }
    }
}
