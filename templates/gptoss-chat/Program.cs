using GptOss.Net;
using Microsoft.Extensions.AI;

// The model: a folder, or an id that is downloaded once.
await using var model =
    await GptOssModel.LoadAsync(args.Length > 0 ? args[0] : "openai/gpt-oss-20b", new GptOssModelOptions { AllowDownload = true });
using IChatClient client = new ChatClientBuilder(model.AsIChatClient()).UseFunctionInvocation().Build();

// What the model may call.
var weather = AIFunctionFactory.Create((string location) => $"18 degrees and sunny in {location}", "get_weather");
var options = new ChatOptions { Tools = [weather] };

List<ChatMessage> history = [];
Console.Write("> ");
while (Console.ReadLine() is { Length: > 0 } line)
{
    history.Add(new ChatMessage(ChatRole.User, line));
    List<ChatResponseUpdate> updates = [];
    await foreach (var update in client.GetStreamingResponseAsync(history, options))
    {
        updates.Add(update);
        Console.Write(update.Text);
    }

    history.AddMessages(updates);
    Console.Write("\n> ");
}
