using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>
/// A script that any client can be tested with: it calls <c>get_weather</c> where that is offered and has no result yet, answers in JSON
/// where that is asked for, and says hello otherwise.
/// </summary>
internal static class ScriptedAgent
{
    public static ScriptedChatClient Create() => new(Answer);

    private static IAsyncEnumerable<AIContent> Answer(ScriptedRequest request)
    {
        var results = request.Messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().ToList();
        AIContent[] contents = request.Options switch
        {
            { Tools.Count: > 0 } when results.Count == 0 =>
            [
                new TextReasoningContent("I need"), new TextReasoningContent(" the weather"),
                new FunctionCallContent("call_1", "get_weather", new Dictionary<string, object?> { ["city"] = "Paris" }),
            ],
            { ResponseFormat: ChatResponseFormatJson } => [new TextContent("{\"city\":"), new TextContent("\"Paris\"}")],
            _ when results.Count > 0 =>
                [new TextReasoningContent("I know"), new TextContent("It is "), new TextContent(results[0].Result?.ToString())],
            _ => [new TextReasoningContent("They"), new TextReasoningContent(" greet"), new TextContent("Hello"), new TextContent(" you")],
        };
        return contents.ToAsyncEnumerable();
    }
}
