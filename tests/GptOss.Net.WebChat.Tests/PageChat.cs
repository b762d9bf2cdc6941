using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace GptOss.Net.WebChat.Tests;

/// <summary>
/// A chat client that does what the last message says: <c>think</c>, <c>call calculator {...}</c>, <c>wait</c>, <c>muse</c>, <c>hold</c> or
/// <c>calling</c> (for <see cref="Release"/>), <c>break</c>, <c>fail</c>, <c>long N</c>, <c>code N</c> (lines), <c>cut</c>, <c>now</c> (the
/// time), or else says the text itself.
/// </summary>
internal sealed class PageChat : IChatClient
{
    private int _running;

    public TaskCompletionSource Release { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Gets the messages of the last request.</summary>
    public IReadOnlyList<ChatMessage> Messages { get; private set; } = [];

    public ChatOptions? Options { get; private set; }

    /// <summary>Gets or sets what breaks the connection of the last request.</summary>
    public Action? Abort { get; set; }

    public int Running => Volatile.Read(ref _running);

    /// <summary>Gets or sets how long a token of a long answer takes.</summary>
    public TimeSpan TokenTime { get; set; } = TimeSpan.FromMilliseconds(10);

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        (Messages, Options) = ([.. messages], options);
        Interlocked.Increment(ref _running);
        try
        {
            var (tokens, reason) = (0, ChatFinishReason.Stop);
            await foreach (var content in AnswerAsync(cancellationToken))
            {
                tokens++;
                reason = content is FunctionCallContent ? ChatFinishReason.ToolCalls : reason;
                yield return new ChatResponseUpdate(ChatRole.Assistant, [content]) { MessageId = "msg", ModelId = "scripted" };
            }

            var usage = new UsageDetails { InputTokenCount = 10, OutputTokenCount = tokens, TotalTokenCount = 10 + tokens };
            var isCut = Messages[^1].Text == "cut";
            yield return new ChatResponseUpdate(ChatRole.Assistant, [new UsageContent(usage)])
            {
                FinishReason = isCut ? ChatFinishReason.Length : reason,
            };
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("scripted", null, "scripted") : null;

    public void Dispose()
    {
    }

    private async IAsyncEnumerable<AIContent> AnswerAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (last, words) = (Messages[^1], Messages[^1].Text.Split(' ', 3));
        if (last.Role == ChatRole.Tool)
        {
            yield return new TextContent($"It says {last.Contents.OfType<FunctionResultContent>().Single().Result}.");
            yield break;
        }

        switch (words[0])
        {
            case "think":
                yield return new TextReasoningContent("The user wants a thought.");
                yield return new TextContent("Done thinking.");
                break;
            case "call":
                yield return new TextReasoningContent("I need the function.");
                yield return new FunctionCallContent(
                    "call_1", words[1], System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, object?>>(words[2]));
                break;
            case "calling":
                yield return new TextReasoningContent("I need the function.");
                yield return new FunctionCallContent("call_1", "calculator", new Dictionary<string, object?> { ["expression"] = "17*23" });
                await Release.Task.WaitAsync(cancellationToken);
                break;
            case "code":
                yield return new TextContent("```csharp\n");
                for (var i = 0; i < Number(words[1]); i++)
                {
                    await Task.Delay(TokenTime, cancellationToken);
                    yield return new TextContent($"var line{i} = {i}; // one of many\n");
                }

                yield return new TextContent("```\n");
                break;
            case "wait":
                await Release.Task.WaitAsync(cancellationToken);
                yield return new TextContent("Waited.");
                break;
            case "fail":
                yield return new TextContent("So far, ");
                throw new GptOssException("the device is lost");
            case "muse":
                yield return new TextReasoningContent("The user wants a long thought, and sees it while it grows.");
                await Release.Task.WaitAsync(cancellationToken);
                yield return new TextContent("Mused.");
                break;
            case "break":
                yield return new TextContent("So far, so good.");
                await Task.Delay(200, cancellationToken); // until it was sent
                Abort!();
                await Task.Delay(Timeout.Infinite, cancellationToken);
                break;
            case "now":
                yield return new TextContent($"now {DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()}");
                break;
            case "hold":
                yield return new TextContent("So far, so good.");
                await Release.Task.WaitAsync(cancellationToken);
                break;
            case "long":
                var clock = Stopwatch.StartNew();
                for (var i = 0; i < Number(words[1]); i++)
                {
                    var wait = (i * TokenTime) - clock.Elapsed;
                    await Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, cancellationToken);
                    yield return new TextContent(
                        i % 40 == 39 ? "end.\n\n" : i % 200 == 100 ? "\n\n```csharp\nvar x = 1;\n```\n\n" : "word ");
                }

                break;
            default:
                foreach (var piece in last.Text.Chunk(6))
                {
                    yield return new TextContent(new string(piece));
                }

                break;
        }
    }

    private static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
