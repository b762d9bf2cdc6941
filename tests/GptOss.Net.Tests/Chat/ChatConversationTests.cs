using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using CsCheck;
using GptOss.Net.Chat;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>Whatever a conversation holds, it becomes a prompt or is refused by a documented exception, stored as JSON or not.</summary>
public sealed partial class ChatConversationTests : IDisposable
{
    private static readonly Gen<int> Id = Gen.Int[1, 4];

    private static readonly Gen<object?> Result = Gen.OneOf<object?>(
        Gen.Int[0, 1].Select(_ => (object?)null),
        Gen.Int[0, 9].Select(value => (object?)value),
        Gen.String[0, 3].Select(value => (object?)value),
        Gen.Int[0, 1].Select(_ => (object?)new DataContent(new byte[3], "image/png")),
        Gen.Int[0, 1].Select(_ => (object?)new List<AIContent> { new TextContent("a"), new ErrorContent("b") }),
        Gen.Int[0, 1].Select(_ => (object?)JsonElement.Parse("""{"a":[1.50,"ü"]}""")));

    private static readonly Gen<AIContent> Content = Gen.OneOf<AIContent>(
        Gen.Int[0, 1].Select(_ => (AIContent)new TextContent("")),
        Gen.Int[0, 1].Select(_ => (AIContent)new TextContent("")),
        Gen.String[0, 3].Select(text => (AIContent)new TextReasoningContent(text)),
        Gen.Int[0, 1].Select(_ =>
            (AIContent)new TextReasoningContent("") { ProtectedData = new ReasoningSeal(ReasoningProtection.OfThisProcess).Seal([17]) }),
        Gen.Int[0, 1].Select(_ => (AIContent)new ErrorContent("broken")),
        Gen.Int[0, 1].Select(_ => (AIContent)new UsageContent(new UsageDetails())),
        Gen.Int[0, 9].Select(size => (AIContent)new DataContent(new byte[size + 1], size < 3 ? "image/png" : "text/plain")),
        Gen.Int[0, 1].Select(_ => (AIContent)new HostedFileContent("file")),
        Id.Select(id => (AIContent)Call(id)),
        Id.Select(id => (AIContent)Call(id)),
        Id.Select(id => (AIContent)new FunctionCallContent($"{id}", "f") { InformationalOnly = true }),
        Gen.Select(Id, Result, (id, result) => (AIContent)new FunctionResultContent($"{id}", result)),
        Gen.Select(Id, Result, (id, result) => (AIContent)new FunctionResultContent($"{id}", result)),
        Id.Select(id => (AIContent)new ToolApprovalRequestContent($"r{id}", Call(id))),
        Gen.Select(
            Id, Gen.Bool,
            (id, isApproved) => (AIContent)new ToolApprovalRequestContent($"r{id}", Call(id)).CreateResponse(isApproved, "no")));

    private static readonly Gen<ChatMessage> Message =
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 2], Content.Array[0, 4], (role, author, contents) =>
            new ChatMessage(new ChatRole(new[] { "system", "user", "assistant", "tool" }[role]), contents)
            {
                AuthorName = new[] { null, "Ann", "Bob" }[author],
            });

    private readonly ScriptedChat _chat = new("<|channel|>final<|message|>Yes.<|return|>");

    public void Dispose() => _chat.Dispose();

    [Fact]
    public void It_reads_alike_before_and_after_it_was_stored_and_keeps_every_text_in_its_place()
    {
        var prompts = 0;
        Message.Array[0, 8].Sample(
            messages =>
            {
                var texts = Number(messages);
                var prompt = Prompt(messages);
                Prompt(Stored(messages)).Should().Be(prompt);
                if (prompt is not null)
                {
                    Interlocked.Increment(ref prompts);
                    Marker().Matches(prompt).Select(match => match.Value).Should().Equal(texts);
                }
            },
            iter: LongTests.Scale(1_000));

        prompts.Should().BeGreaterThan(100);
    }

    private static FunctionCallContent Call(int id)
    {
        var call = new FunctionCallContent($"{id}", "f", new Dictionary<string, object?>(StringComparer.Ordinal) { ["a"] = id });
        CallArguments.KeepSpelling(call, $$"""{"a": {{id}}}""");
        return call;
    }

    /// <summary>Gives each text a number; those of the texts that are told.</summary>
    private static List<string> Number(ChatMessage[] messages)
    {
        List<string> numbers = [];
        foreach (var text in messages.SelectMany(message => message.Contents).OfType<TextContent>())
        {
            text.Text = string.Create(CultureInfo.InvariantCulture, $"#{numbers.Count};");
            numbers.Add(text.Text);
        }

        return numbers;
    }

    /// <summary>The prompt, or <see langword="null"/> if the conversation is refused as documented.</summary>
    private string? Prompt(ChatMessage[] messages)
    {
        try
        {
            return _chat.Render(messages);
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            exception.Message.Should().MatchRegex("no message before it makes that call|has two results|reads text only");
            return null;
        }
    }

    private static ChatMessage[] Stored(ChatMessage[] messages) => JsonSerializer.Deserialize<ChatMessage[]>(
        JsonSerializer.Serialize(messages, AIJsonUtilities.DefaultOptions), AIJsonUtilities.DefaultOptions)!;

    [GeneratedRegex("#[0-9]+;")]
    private static partial Regex Marker();
}
