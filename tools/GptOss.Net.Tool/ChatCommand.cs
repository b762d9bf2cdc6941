using Microsoft.Extensions.AI;

namespace GptOss.Net.Tool;

/// <summary>One question, or a conversation until an empty line.</summary>
internal static class ChatCommand
{
    public static async Task<int> RunAsync(
        string pathOrId, GptOssModelOptions options, string question, CancellationToken cancellationToken)
    {
        await using var model = await GptOssModel.LoadAsync(pathOrId, options, cancellationToken: cancellationToken);
        using var client = model.AsIChatClient();
        List<ChatMessage> history = [];
        var next = question.Length > 0 ? question : Ask();
        while (next is { Length: > 0 })
        {
            history.Add(new ChatMessage(ChatRole.User, next));
            List<ChatResponseUpdate> updates = [];
            await foreach (var update in client.GetStreamingResponseAsync(history, cancellationToken: cancellationToken))
            {
                updates.Add(update);
                Console.Write(update.Text);
            }

            Console.WriteLine();
            history.AddMessages(updates);
            next = question.Length > 0 ? null : Ask();
        }

        return 0;
    }

    private static string? Ask()
    {
        Console.Write("> ");
        return Console.ReadLine();
    }
}
