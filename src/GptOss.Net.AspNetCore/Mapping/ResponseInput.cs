using System.Text.Json;
using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>From the field <c>input</c> to items, each with a type and an id and without the nulls that clients' libraries write.</summary>
internal static class ResponseInput
{
    public static IReadOnlyList<JsonElement> Read(JsonElement? input, int most)
    {
        switch (input?.ValueKind)
        {
            case null or JsonValueKind.Null:
                return [];
            case JsonValueKind.String:
                return [FromText(Check.Text(input.Value, "input"))];
            case JsonValueKind.Array:
                Check.Count(input.Value.GetArrayLength(), most, "input");
                return [.. input.Value.EnumerateArray().Select((item, i) => Complete(item, FormattableString.Invariant($"input[{i}]")))];
            default:
                throw RequestError.WrongType("input", "a string or a list of items");
        }
    }

    /// <summary>The type of an item; one with a role and without a type is a message.</summary>
    public static string TypeOf(JsonElement item, string param) => Check.TextMember(Check.Object(item, param), "type", param)
        ?? (Check.Member(item, "role") is not null ? "message" : throw RequestError.Missing($"{param}.type"));

    /// <summary>An object of members that are written by a function.</summary>
    public static JsonElement Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, ReplyJson.WriterOptions))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private static JsonElement FromText(string text) => Write(writer =>
    {
        writer.WriteString("type", "message");
        writer.WriteString("id", NewId("message"));
        writer.WriteString("role", "user");
        writer.WriteString("status", "completed");
        writer.WriteStartArray("content");
        writer.WriteStartObject();
        writer.WriteString("type", "input_text");
        writer.WriteString("text", text);
        writer.WriteEndObject();
        writer.WriteEndArray();
    });

    private static JsonElement Complete(JsonElement item, string param)
    {
        var type = TypeOf(item, param);
        return Write(writer =>
        {
            writer.WriteString("type", type);
            if (Check.TextMember(item, "id", param) is null)
            {
                if (type is "item_reference")
                {
                    throw RequestError.Missing($"{param}.id");
                }

                writer.WriteString("id", NewId(type));
            }

            foreach (var member in item.EnumerateObject())
            {
                if (member.Value.ValueKind != JsonValueKind.Null && !member.NameEquals("type"))
                {
                    member.WriteTo(writer);
                }
            }
        });
    }

    private static string NewId(string type) => type switch
    {
        "message" => "msg_",
        "reasoning" => "rs_",
        "function_call" => "fc_",
        "function_call_output" => "fco_",
        _ => "item_",
    }
    + Guid.NewGuid().ToString("N");
}
