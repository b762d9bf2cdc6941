using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>A chat client whose answers are a script: a function of the request gives the contents, in order.</summary>
internal sealed class ScriptedChatClient(Func<ScriptedRequest, IAsyncEnumerable<AIContent>> script) : IChatClient
{
    private int _running;

    public ScriptedChatClient(params AIContent[] contents)
        : this(_ => contents.ToAsyncEnumerable())
    {
    }

    /// <summary>Gets the requests that came, in order.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<ScriptedRequest> Requests { get; } = new();

    /// <summary>Gets how many answers have begun and not ended.</summary>
    public int Running => Volatile.Read(ref _running);

    public ChatFinishReason? FinishReason { get; set; }

    public static ScriptedChatClient Saying(string text, string? reasoning = null) => new(
        [.. reasoning is null ? Array.Empty<AIContent>() : [.. Words(reasoning).Select(word => new TextReasoningContent(word))],
            .. Words(text).Select(word => new TextContent(word))]);

    /// <summary>A text in pieces that begin with a space, as tokens do.</summary>
    public static IEnumerable<string> Words(string text)
    {
        var start = 0;
        for (var i = 1; i <= text.Length; i++)
        {
            if (i == text.Length || text[i] == ' ')
            {
                yield return text[start..i];
                start = i;
            }
        }
    }

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var request = new ScriptedRequest([.. messages], options ?? new ChatOptions(), cancellationToken);
        Requests.Enqueue(request);
        return StreamAsync(request, cancellationToken);
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("scripted", null, "scripted") : null;

    public void Dispose()
    {
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        ScriptedRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _running);
        try
        {
            var (tokens, reasoning, message, hasCall) = (0, 0, 0, false);
            AIContent? last = null;
            await foreach (var content in script(request).WithCancellation(cancellationToken))
            {
                cancellationToken.ThrowIfCancellationRequested();
                tokens++;
                reasoning += content is TextReasoningContent ? 1 : 0;
                hasCall |= content is FunctionCallContent;
                message += Preamble.Is(last) && !Preamble.Is(content) ? 1 : 0;
                last = content;
                yield return new ChatResponseUpdate(ChatRole.Assistant, [content]) { MessageId = $"msg_{message}", ModelId = "scripted" };
            }

            yield return new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(Usage(request, tokens, reasoning))])
            {
                FinishReason = FinishReason ?? (hasCall ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop),
            };
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private static UsageDetails Usage(ScriptedRequest request, int tokens, int reasoning) => new()
    {
        InputTokenCount = request.Messages.Sum(message => Words(message.Text).Count()),
        CachedInputTokenCount = 1,
        OutputTokenCount = tokens,
        ReasoningTokenCount = reasoning,
        TotalTokenCount = request.Messages.Sum(message => Words(message.Text).Count()) + tokens,
    };
}
