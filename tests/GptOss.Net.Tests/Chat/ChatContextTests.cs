using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>How much of a conversation fits, and how much there is.</summary>
public sealed class ChatContextTests : IDisposable
{
    private const int Letters = 20_000_000;

    private readonly ScriptedChat _chat = new("<|channel|>final<|message|>Yes.<|return|>");

    public void Dispose() => _chat.Dispose();

    [Fact]
    public async Task The_tokens_of_a_request_can_be_counted_beforehand()
    {
        ChatMessage[] messages = [new(ChatRole.System, "Be brief."), new(ChatRole.User, "What is a 🦄?")];
        var options = new ChatOptions
        {
            Instructions = "Rhyme.",
            Tools = [AIFunctionFactory.Create((int x) => x, "double")],
            ResponseFormat = ChatResponseFormat.Json,
        };

        var count = await _chat.Client.CountTokensAsync(messages, options, TestContext.Current.CancellationToken);

        var response = await _chat.Client.GetResponseAsync(messages, options, TestContext.Current.CancellationToken);
        count.Should().Be((int)response.Usage!.InputTokenCount!.Value);
    }

    [Fact]
    public async Task More_than_fits_can_be_counted()
    {
        var text = string.Concat(Enumerable.Repeat("word ", 10_000));

        (await _chat.Client.CountTokensAsync([new(ChatRole.User, text)], null, TestContext.Current.CancellationToken)).Should()
            .BeGreaterThan(10_000);
    }

    [Fact]
    public async Task A_conversation_that_does_not_fit_is_refused_with_need_and_limit()
    {
        ChatMessage[] messages = [new(ChatRole.User, string.Concat(Enumerable.Repeat("word ", 5_000)))];
        var count = await _chat.Client.CountTokensAsync(messages, null, TestContext.Current.CancellationToken);

        var refusal = (await _chat.Client.Awaiting(client => client.GetResponseAsync(messages)).Should()
            .ThrowAsync<ContextLengthExceededException>()).Which;

        (refusal.RequiredTokens, refusal.MaxTokens, refusal.IsExact).Should().Be((count, _chat.Model.MaxModelLength - 1, true));
        refusal.Message.Should().Contain($"{count:N0} tokens").And.Contain($"{refusal.MaxTokens:N0} fit");
    }

    [Theory]
    [InlineData("x")]
    [InlineData("漢")]
    [InlineData("a b")]
    public async Task A_text_that_cannot_fit_is_refused_before_it_is_encoded(string unit)
    {
        ChatMessage[] messages = [new(ChatRole.User, string.Concat(Enumerable.Repeat(unit, Letters / unit.Length)))];

        var refusal = (await _chat.Client.Awaiting(client => client.GetResponseAsync(messages)).Should()
            .ThrowAsync<ContextLengthExceededException>()).Which;

        refusal.IsExact.Should().BeFalse();
        refusal.RequiredTokens.Should().BeGreaterThan(refusal.MaxTokens);
        refusal.Message.Should().Contain("at least");
    }

    [Fact]
    public async Task Counting_a_long_text_can_be_cancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var counting = _chat.Client.CountTokensAsync([new(ChatRole.User, new string('x', Letters))], null, cancellation.Token);

        await cancellation.CancelAsync();

        await counting.Awaiting(task => task).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task What_is_wrong_with_a_request_is_in_the_task()
    {
        ChatOptions[] wrong = [new() { Temperature = -1 }, new() { ConversationId = "42" }, new() { ModelId = "another" }];
        foreach (var options in wrong)
        {
            var task = _chat.Client.GetResponseAsync("Hello", options, TestContext.Current.CancellationToken);

            await task.Awaiting(response => response).Should().ThrowAsync<Exception>();
        }
    }
}
