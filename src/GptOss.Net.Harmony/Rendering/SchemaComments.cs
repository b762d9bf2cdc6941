using System.Text;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>Writes the comments of a schema. Exact text is copied as it is, line breaks included; enriched text cannot leave its comment.</summary>
internal sealed class SchemaComments(SchemaRendering rendering)
{
    private bool IsExact => rendering == SchemaRendering.Exact;

    /// <summary>A comment on lines of its own.</summary>
    public string Lines(string indent, string? text)
    {
        if (text is null)
        {
            return string.Empty;
        }

        return IsExact
            ? $"{indent}// {text}\n"
            : string.Concat(TextLines.Split(text).Select(line => $"{indent}// {Inline(line)}\n"));
    }

    /// <summary>Title and examples frame the description of a property.</summary>
    public string Property(string indent, JsonElement schema, string? description)
    {
        var text = new StringBuilder();
        if (schema.StringKeyword("title") is { } title)
        {
            text.Append(Lines(indent, title)).Append(indent).Append("//\n");
        }

        text.Append(Lines(indent, description));
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
    public string Trailing(string? description, string? defaultText)
    {
        string?[] parts = [description is null ? null : Inline(description), defaultText];
        var text = string.Join(' ', parts.Where(part => part is not null));
        return parts.All(part => part is null) ? string.Empty : $" // {text}";
    }

    /// <summary><c>default: value</c>, or null without one. A string that is one of an enum is not quoted.</summary>
    public string? Default(JsonElement schema) => schema.Keyword("default") switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value when schema.HasEnum() => $"default: {Inline(value.GetString()!)}",
        { ValueKind: JsonValueKind.String } value => $"default: {Quote(value.GetString()!)}",
        { } value => $"default: {JsonText.Compact(value)}",
    };

    /// <summary>A string literal.</summary>
    public string Quote(string text) => IsExact ? $"\"{text}\"" : JsonText.Quote(text);

    private string Inline(string text) => IsExact ? text : TextLines.Join(text).Replace("*/", "* /", StringComparison.Ordinal);
}
