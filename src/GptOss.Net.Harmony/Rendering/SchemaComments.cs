using System.Text;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>Writes the comments of a schema as OpenAI's library does: text is copied as it is, line breaks included.</summary>
internal static class SchemaComments
{
    /// <summary>A comment on a line of its own.</summary>
    public static string Line(string indent, string? text) => text is null ? string.Empty : $"{indent}// {text}\n";

    /// <summary>Title and examples frame the description of a property.</summary>
    public static string Property(string indent, JsonElement schema, string? description)
    {
        var text = new StringBuilder();
        if (schema.StringKeyword("title") is { } title)
        {
            text.Append(Line(indent, title)).Append(indent).Append("//\n");
        }

        text.Append(Line(indent, description));
        if (schema.ArrayKeyword("examples") is { Count: > 0 })
        {
            text.Append(indent).Append("// Examples:\n");
            foreach (var example in schema.StringsKeyword("examples"))
            {
                text.Append(indent).Append("// - ").Append(Quote(example)).Append('\n');
            }
        }

        return text.ToString();
    }

    /// <summary>A comment after a type: description, default, both or nothing.</summary>
    public static string Trailing(string? description, string? defaultText)
    {
        string?[] parts = [description, defaultText];
        var text = string.Join(' ', parts.Where(part => part is not null));
        return parts.All(part => part is null) ? string.Empty : $" // {text}";
    }

    /// <summary><c>default: value</c>, or null without one. A string that is one of an enum is not quoted.</summary>
    public static string? Default(JsonElement schema) => schema.Keyword("default") switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value when schema.HasEnum() => $"default: {value.GetString()}",
        { ValueKind: JsonValueKind.String } value => $"default: {Quote(value.GetString()!)}",
        { } value => $"default: {JsonText.Compact(value)}",
    };

    /// <summary>A string literal; quotation marks within it are not escaped.</summary>
    public static string Quote(string text) => $"\"{text}\"";
}
