using Microsoft.Extensions.AI;

namespace GptOss.Net.Recipes.Tests;

/// <summary>A client that keeps what it is asked, and asks it greedily so that answers are the same in every run.</summary>
internal sealed class RecordingClient(IChatClient inner) : DelegatingChatClient(inner)
{
    public List<ChatMessage> Last { get; private set; } = [];

    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        Last = [.. messages];
        return base.GetResponseAsync(Last, Greedy(options), cancellationToken);
    }

    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        Last = [.. messages];
        return base.GetStreamingResponseAsync(Last, Greedy(options), cancellationToken);
    }

    private static ChatOptions Greedy(ChatOptions? options)
    {
        var greedy = options?.Clone() ?? new ChatOptions();
        (greedy.Temperature, greedy.MaxOutputTokens) = (0, 200);
        return greedy;
    }
}
