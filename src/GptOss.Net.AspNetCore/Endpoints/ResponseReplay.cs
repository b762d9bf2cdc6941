using System.Text.Json;
using GptOss.Net.AspNetCore.Mapping;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>The events of a response that has ended, made anew from what is kept of it: each text in one piece.</summary>
internal static class ResponseReplay
{
    public static IEnumerable<(string Name, JsonElement Data)> Events(JsonElement body, ReasoningEventNames names)
    {
        var number = 0;
        (string Name, JsonElement Data) Event(string type, Action<Utf8JsonWriter> write) => (type, ResponseInput.Write(writer =>
        {
            writer.WriteString("type", type);
            writer.WriteNumber("sequence_number", number++);
            write(writer);
        }));

        var begun = Begun(body);
        yield return Event("response.created", writer => Member(writer, "response", begun));
        yield return Event("response.in_progress", writer => Member(writer, "response", begun));
        var place = 0;
        foreach (var item in body.GetProperty("output").EnumerateArray())
        {
            var index = place++;
            yield return Event("response.output_item.added", writer => Item(writer, index, Emptied(item)));
            foreach (var (type, write) in Inside(item, index, names))
            {
                yield return Event(type, write);
            }

            yield return Event("response.output_item.done", writer => Item(writer, index, item));
        }

        yield return Event($"response.{body.GetProperty("status").GetString()}", writer => Member(writer, "response", body));
    }

    private static IEnumerable<(string Type, Action<Utf8JsonWriter> Write)> Inside(JsonElement item, int index, ReasoningEventNames names)
    {
        void Place(Utf8JsonWriter writer)
        {
            writer.WriteString("item_id", item.GetProperty("id").GetString());
            writer.WriteNumber("output_index", index);
        }

        if (item.TryGetProperty("arguments", out var arguments))
        {
            yield return ("response.function_call_arguments.delta", writer =>
            {
                Place(writer);
                Member(writer, "delta", arguments);
            }
            );
            yield return ("response.function_call_arguments.done", writer =>
            {
                Place(writer);
                Member(writer, "arguments", arguments);
                Member(writer, "name", item.GetProperty("name"));
            }
            );
            yield break;
        }

        foreach (var part in item.TryGetProperty("content", out var content) ? content.EnumerateArray().ToArray() : [])
        {
            var isReasoning = part.GetProperty("type").ValueEquals("reasoning_text");
            var name = !isReasoning ? "response.output_text"
                : names == ReasoningEventNames.OpenAI ? "response.reasoning_text"
                : "response.reasoning";
            Action<Utf8JsonWriter> With(string member, JsonElement value) => writer =>
            {
                Place(writer);
                writer.WriteNumber("content_index", 0);
                Member(writer, member, value);
                if (!isReasoning && member is not "part")
                {
                    Member(writer, "logprobs", part.GetProperty("logprobs"));
                }
            };
            yield return ("response.content_part.added", With("part", EmptiedPart(part)));
            yield return ($"{name}.delta", With("delta", part.GetProperty("text")));
            yield return ($"{name}.done", With("text", part.GetProperty("text")));
            yield return ("response.content_part.done", With("part", part));
        }
    }

    private static void Item(Utf8JsonWriter writer, int index, JsonElement item)
    {
        writer.WriteNumber("output_index", index);
        Member(writer, "item", item);
    }

    private static void Member(Utf8JsonWriter writer, string name, JsonElement value)
    {
        writer.WritePropertyName(name);
        value.WriteTo(writer);
    }

    /// <summary>The response as it was before there was any output.</summary>
    private static JsonElement Begun(JsonElement body) => Changed(body, member => member switch
    {
        "status" => "\"in_progress\"",
        "output" => "[]",
        "usage" or "completed_at" or "incomplete_details" or "error" => "null",
        _ => null,
    });

    private static JsonElement Emptied(JsonElement item) => Changed(item, member => member switch
    {
        "status" => "\"in_progress\"",
        "content" => "[]",
        "arguments" => "\"\"",
        _ => null,
    });

    private static JsonElement EmptiedPart(JsonElement part) => Changed(part, member => member switch
    {
        "text" => "\"\"",
        "logprobs" => "[]",
        _ => null,
    });

    private static JsonElement Changed(JsonElement value, Func<string, string?> change) => ResponseInput.Write(writer =>
    {
        foreach (var member in value.EnumerateObject())
        {
            writer.WritePropertyName(member.Name);
            if (change(member.Name) is { } json)
            {
                writer.WriteRawValue(json);
            }
            else
            {
                member.Value.WriteTo(writer);
            }
        }
    });
}
