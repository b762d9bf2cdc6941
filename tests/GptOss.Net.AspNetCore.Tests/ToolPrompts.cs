using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>
/// Prompts with tools, as OpenAI checks those who serve gpt-oss: reasoning is there and streamed, the call is well-formed, its arguments
/// fit their schema.
/// </summary>
internal static class ToolPrompts
{
    public const string Chat = "/v1/chat/completions";
    public const string Responses = "/v1/responses";

    public static readonly string[] Functions =
    [
        Function("get_weather", "The weather in a city.", """{"city":{"type":"string","enum":["Paris","Rome","Oslo"]}}"""),
        Function("get_time", "The time now.", "{}"),
        Function("add", "Adds two numbers.", """
            {"a":{"type":"integer","minimum":0,"maximum":999},"b":{"type":"integer","minimum":0,"maximum":999}}
            """),
        Function("set_light", "Switches a light.", """{"room":{"type":"string","enum":["kitchen","hall"]},"on":{"type":"boolean"}}"""),
        Function("book", "Books a table.", """
            {"people":{"type":"integer","minimum":1,"maximum":9},"day":{"enum":["today","tomorrow"]}}
            """),
    ];

    private static readonly string[] Prompts =
    [
        "What is the weather in Paris?", "What time is it?", "What is 17 + 25?", "Switch on the light in the kitchen.",
        "A table for two, please.", "Help me.",
    ];

    /// <summary>Asks each of thirty over both APIs, whole and streamed; what was wrong.</summary>
    /// <param name="model">The name of the model.</param>
    /// <param name="post">Sends a body to a path; the body that came.</param>
    public static async Task<IReadOnlyList<string>> ProblemsAsync(string model, Func<string, string, Task<string>> post)
    {
        var problems = await Task.WhenAll(
            from function in Functions
            from prompt in Prompts
            select ProblemsAsync(function, prompt, model, post));
        problems.Should().HaveCount(30);
        return [.. problems.SelectMany(found => found)];
    }

    private static async Task<List<string>> ProblemsAsync(
        string function, string prompt, string model, Func<string, string, Task<string>> post)
    {
        var problems = new List<string>();
        var declaration = JsonNode.Parse(function)!;
        var schema = JsonSchema.FromText(declaration["parameters"]!.ToJsonString());
        foreach (var (responses, stream) in (IEnumerable<(bool, bool)>)[(false, false), (false, true), (true, false), (true, true)])
        {
            var path = responses ? Responses : Chat;
            var text = await post(path, Body(function, prompt, model, responses, stream));
            var (reasoning, name, arguments) = (responses, stream) switch
            {
                (false, false) => WholeChat(text),
                (false, true) => StreamedChat(text),
                (true, false) => Response(JsonElement.Parse(text)),
                (true, true) => StreamedResponse(text),
            };
            var isRight = reasoning.Length > 0 && name == declaration["name"]!.GetValue<string>()
                && schema.Evaluate(JsonElement.Parse(arguments)).IsValid;
            if (!isRight)
            {
                problems.Add($"{path}{(stream ? " streamed" : "")} {prompt} {name}({arguments}) reasoning '{reasoning}'");
            }
        }

        return problems;
    }

    private static string Body(string function, string prompt, string model, bool responses, bool stream)
    {
        var (tool, turn) = responses
            ? ("{\"type\":\"function\"," + function[1..], $"\"input\":\"{prompt}\",\"max_output_tokens\":400")
            : ("{\"type\":\"function\",\"function\":" + function + "}",
                $"\"messages\":[{{\"role\":\"user\",\"content\":\"{prompt}\"}}],\"max_tokens\":400");
        return $$"""
            {"model":"{{model}}",{{turn}},"tools":[{{tool}}],"tool_choice":"required","seed":{{prompt.Length}},"temperature":0.5,
             "reasoning":{"max_tokens":24},"stream":{{(stream ? "true" : "false")}}}
            """;
    }

    private static string Function(string name, string description, string properties)
    {
        var required = string.Join(',', JsonNode.Parse(properties)!.AsObject().Select(property => $"\"{property.Key}\""));
        return $$$"""
            {"name":"{{{name}}}","description":"{{{description}}}","parameters":{"type":"object","properties":{{{properties.Trim()}}},
             "required":[{{{required}}}],"additionalProperties":false}}
            """;
    }

    private static (string Reasoning, string Name, string Arguments) WholeChat(string text)
    {
        var message = JsonElement.Parse(text).GetProperty("choices")[0].GetProperty("message");
        var function = message.GetProperty("tool_calls")[0].GetProperty("function");
        return (Text(message, "reasoning"), Text(function, "name"), Text(function, "arguments"));
    }

    private static (string Reasoning, string Name, string Arguments) StreamedChat(string text)
    {
        var joined = JoinedStream.Of(Events(text));
        return (joined.Reasoning, joined.Calls[0].Name!, joined.Calls[0].Arguments!);
    }

    private static (string Reasoning, string Name, string Arguments) StreamedResponse(string text)
    {
        var events = Events(text);
        events.Should().Contain(found => found.GetProperty("type").GetString() == "response.reasoning_text.delta");
        return Response(events[^1].GetProperty("response"));
    }

    private static (string Reasoning, string Name, string Arguments) Response(JsonElement response)
    {
        var items = response.GetProperty("output").EnumerateArray().ToLookup(item => item.GetProperty("type").GetString());
        var call = items["function_call"].First();
        return (Text(items["reasoning"].First().GetProperty("content")[0], "text"), Text(call, "name"), Text(call, "arguments"));
    }

    private static string Text(JsonElement parent, string member) => parent.GetProperty(member).GetString()!;

    private static List<JsonElement> Events(string text) =>
        [.. ServerEvent.Parse(text).Where(found => !found.IsDone).Select(found => found.Json)];
}
