using System.Diagnostics;
using System.Globalization;
using GptOss.Net;
using Microsoft.Extensions.AI;
using Spectre.Console;

namespace ConsoleChat;

/// <summary>One question, or a conversation. Ctrl-C ends the answer; a second one, or one at the prompt, the program.</summary>
internal sealed class ChatSession(IChatClient client, ChatOptions options)
{
    private readonly List<ChatMessage> _history = [];

    public static async Task<int> RunAsync(
        string? pathOrId, GptOssModelOptions loading, ChatOptions options, string prompt, CancellationToken cancellationToken)
    {
        try
        {
            await using var model = await ModelLoading.LoadAsync(pathOrId, loading, cancellationToken);
            if (pathOrId is null)
            {
                AnsiConsole.MarkupLine("[grey]This is the small demonstration model. Name a real one with --model DIRECTORY.[/]");
            }

            // Runs the functions that the model calls, and gives it their results.
            using IChatClient client = new ChatClientBuilder(model.AsIChatClient()).UseFunctionInvocation().Build();
            var session = new ChatSession(client, options);
            await (prompt.Length > 0 ? session.AnswerAsync(prompt) : session.ConverseAsync(model));
            return 0;
        }
        catch (GptOssException exception)
        {
            AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[red]{exception.Message}[/]");
            return 1;
        }
    }

    private async Task ConverseAsync(GptOssModel model)
    {
        AnsiConsole.MarkupLine("[grey]Write a message; /help lists commands, an empty line ends the chat, Ctrl-C an answer.[/]");
        var input = new LineInput();
        var commands = new ChatCommands(model, options, _history);
        while (input.Read() is { Length: > 0 } line)
        {
            if (!commands.TryRun(line))
            {
                await AnswerAsync(line);
            }
        }
    }

    private async Task AnswerAsync(string prompt)
    {
        _history.Add(new ChatMessage(ChatRole.User, prompt));
        using var cancellation = new CancellationTokenSource();
        ConsoleCancelEventHandler stop = (_, pressed) =>
        {
            // The first Ctrl-C stops the answer; when it is stopped already, the program ends.
            pressed.Cancel = !cancellation.IsCancellationRequested;
            cancellation.Cancel();
        };
        Console.CancelKeyPress += stop;
        try
        {
            _history.AddMessages(await StreamAsync(cancellation.Token));
        }
        finally
        {
            Console.CancelKeyPress -= stop;
        }
    }

    private async Task<ChatResponse> StreamAsync(CancellationToken cancellationToken)
    {
        var updates = new List<ChatResponseUpdate>();
        var writer = new AnswerWriter();
        var clock = Stopwatch.StartNew();
        TimeSpan? first = null;
        try
        {
            await foreach (var update in client.GetStreamingResponseAsync(_history, options, cancellationToken))
            {
                first ??= clock.Elapsed;
                updates.Add(update);
                writer.Write(update);
            }
        }
        catch (OperationCanceledException)
        {
            AnsiConsole.Markup("[grey] … stopped[/]");
        }

        writer.End();
        var response = updates.ToChatResponse();
        AnsiConsole.WriteLine();
        if (response.Usage?.OutputTokenCount is { } tokens)
        {
            var rate = tokens / clock.Elapsed.TotalSeconds;
            AnsiConsole.MarkupLineInterpolated(
                CultureInfo.InvariantCulture, $"[grey]{tokens} tokens, {rate:F1} tokens/s, first text after {first?.TotalSeconds:F2} s[/]");
        }

        return response;
    }
}
