using DemoModel;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>A conversation that goes on begins with what was computed for its earlier turns.</summary>
public sealed class ConversationCacheTests : IAsyncLifetime
{
    private GptOssModel _model = null!;

    public async ValueTask InitializeAsync() => _model = await GptOssModel.LoadAsync(
        await DemoCheckpoint.ExtractAsync(cancellationToken: TestContext.Current.CancellationToken),
        new GptOssModelOptions { MaxModelLength = 1_024 },
        cancellationToken: TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync() => await _model.DisposeAsync();

    [Fact]
    public async Task A_follow_up_finds_the_turns_before_it_in_the_cache()
    {
        using var client = _model.AsIChatClient();
        List<ChatMessage> messages = [new(ChatRole.User, "What is the capital of France?")];
        var first = await client.GetResponseAsync(messages, Greedy(), TestContext.Current.CancellationToken);
        messages.AddMessages(first);
        messages.Add(new ChatMessage(ChatRole.User, "Thank you!"));

        var second = await client.GetResponseAsync(messages, Greedy(), TestContext.Current.CancellationToken);

        first.Usage!.CachedInputTokenCount.Should().Be(0);
        var known = first.Usage.InputTokenCount!.Value / 16 * 16;
        second.Usage!.CachedInputTokenCount.Should().BeGreaterThanOrEqualTo(known, "the first prompt is how the second begins");
    }

    [Fact]
    public async Task Tenants_share_nothing()
    {
        using var client = _model.AsIChatClient();
        var options = Greedy();
        foreach (var (tenant, expected) in new[] { ("a", false), ("a", true), ("b", false) })
        {
            options.RawRepresentationFactory = _ => new GptOssRequestOptions { CacheSalt = tenant };

            var response = await client.GetResponseAsync("Tell me a joke.", options, TestContext.Current.CancellationToken);

            (response.Usage!.CachedInputTokenCount > 0).Should().Be(expected);
        }
    }

    private static ChatOptions Greedy() => new() { Temperature = 0, MaxOutputTokens = 200 };
}
