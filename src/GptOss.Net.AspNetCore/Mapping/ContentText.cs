using System.Text;
using System.Text.Json;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>From content, a text or a list of parts, to text: gpt-oss reads nothing else.</summary>
internal static class ContentText
{
    /// <param name="content">A string, a list of parts, or nothing.</param>
    /// <param name="param">Its path.</param>
    public static string Read(JsonElement? content, string param)
    {
        switch (content?.ValueKind)
        {
            case null or JsonValueKind.Null:
                return string.Empty;
            case JsonValueKind.String:
                return Check.Text(content.Value, param);
            case JsonValueKind.Array:
                var text = new StringBuilder();
                var i = 0;
                foreach (var part in content.Value.EnumerateArray())
                {
                    text.Append(ReadPart(part, FormattableString.Invariant($"{param}[{i++}]")));
                }

                return text.ToString();
            default:
                throw RequestError.WrongType(param, "a string or a list of parts");
        }
    }

    private static string ReadPart(JsonElement part, string param)
    {
        if (part.ValueKind == JsonValueKind.String)
        {
            return Check.Text(part, param);
        }

        Check.Object(part, param);
        var type = Check.TextMember(part, "type", param);
        switch (type)
        {
            case "text" or "input_text" or "output_text" or "summary_text" or "reasoning_text":
                return Check.TextMember(part, "text", param) ?? throw RequestError.Missing($"{param}.text");
            case "refusal":
                return Check.TextMember(part, "refusal", param) ?? throw RequestError.Missing($"{param}.refusal");
            case null:
                throw RequestError.Missing($"{param}.type");
            default:
                throw RequestError.UnsupportedValue($"{param}.type", $"it is '{type}', but gpt-oss reads text only");
        }
    }
}
