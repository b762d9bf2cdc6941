using System.Text.Json;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>The chunks of one answer, put together as clients do: the strings of each member are joined.</summary>
internal sealed record JoinedStream(
    string Role, string Content, string Reasoning, string? FinishReason, IReadOnlyList<(string? Id, string? Name, string? Arguments)> Calls)
{
    public static JoinedStream Of(IEnumerable<JsonElement> chunks)
    {
        var (role, content, reasoning, reason) = ("", "", "", (string?)null);
        var calls = new List<(string? Id, string? Name, string? Arguments)>();
        foreach (var choice in chunks.Where(chunk => chunk.GetProperty("choices").GetArrayLength() > 0)
            .Select(chunk => chunk.GetProperty("choices")[0]))
        {
            var delta = choice.GetProperty("delta");
            role += Text(delta, "role");
            content += Text(delta, "content");
            reasoning += Text(delta, "reasoning");
            Text(delta, "reasoning_content").Should().Be(Text(delta, "reasoning"));
            reason = choice.GetProperty("finish_reason").GetString() ?? reason;
            foreach (var call in delta.TryGetProperty("tool_calls", out var found) ? found.EnumerateArray().ToList() : [])
            {
                var index = call.GetProperty("index").GetInt32();
                if (index == calls.Count)
                {
                    call.GetProperty("type").GetString().Should().Be("function");
                    calls.Add(("", "", ""));
                }

                var function = call.GetProperty("function");
                var (id, name, arguments) = calls[index];
                calls[index] = (id + Text(call, "id"), name + Text(function, "name"), arguments + Text(function, "arguments"));
            }
        }

        return new JoinedStream(role, content, reasoning, reason, calls);
    }

    private static string Text(JsonElement parent, string name) => parent.TryGetProperty(name, out var text) ? text.GetString() ?? "" : "";
}
