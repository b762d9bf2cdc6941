using System.Text;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>Writes comments about types; text cannot leave its comment.</summary>
internal static class SchemaNotes
{
    /// <summary>The bounds of a value, and of the items of an array.</summary>
    public static IReadOnlyList<string> Of(SchemaNode node) =>
    [
        .. node.Shapes.SelectMany(shape => shape.Notes.Concat(shape is ArrayShape array ? OfItems(array) : []))
            .Distinct(StringComparer.Ordinal),
    ];

    /// <summary>The lines above a property: title and examples frame the description.</summary>
    public static string Above(string indent, SchemaTexts texts, string? description)
    {
        var text = new StringBuilder();
        if (texts.Title is { } title)
        {
            text.Append(Lines(indent, title)).Append(indent).Append("//\n");
        }

        text.Append(Lines(indent, description));
        if (texts.Examples is { Count: > 0 } examples)
        {
            text.Append(indent).Append("// Examples:\n");
            foreach (var example in examples.Where(example => example.ValueKind == JsonValueKind.String))
            {
                text.Append(indent).Append("// - ").Append(JsonText.Quote(example.GetString()!)).Append('\n');
            }
        }

        return text.ToString();
    }

    /// <summary>A comment on lines of its own.</summary>
    public static string Lines(string indent, string? text) =>
        string.Concat(TextLines.Split(text).Select(line => $"{indent}// {Inline(line)}\n"));

    /// <summary>A comment after a type: description, bounds, default or nothing.</summary>
    public static string Trailing(string? description, IReadOnlyList<string> notes, string? defaultText)
    {
        var bounds = string.Join(", ", notes.Concat(defaultText is null ? [] : [defaultText]));
        string?[] parts = [description, bounds.Length > 0 ? bounds : null];
        return parts.All(part => part is null) ? string.Empty : $" // {Inline(string.Join(' ', parts.OfType<string>()))}";
    }

    /// <summary><c>default: value</c>, or null without one. A string that is one of an enum is not quoted.</summary>
    public static string? Default(SchemaTexts texts, SchemaNode node) => texts.Default switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value when node.Shapes.Any(shape => shape is FixedShape) => $"default: {value.GetString()}",
        { } value => $"default: {JsonText.Compact(value)}",
    };

    private static IEnumerable<string> OfItems(ArrayShape array) =>
    [
        .. array.Prefix.SelectMany((item, i) => OfItem(FormattableString.Invariant($"items[{i}]"), item)),
        .. array is { Prefix.Count: 0, Rest: { } all } ? OfItem("items", all) : [],
        .. array is { Prefix.Count: > 0, Rest: { } others }
            ? OfItem(FormattableString.Invariant($"items[{array.Prefix.Count}...]"), others)
            : [],
    ];

    private static IEnumerable<string> OfItem(string name, SchemaUse item)
    {
        string?[] said = [item.Texts.Description, .. Of(item.Node)];
        var text = string.Join(", ", said.OfType<string>());
        var isNested = item.Node.Shapes.Any(shape => shape is ArrayShape array && OfItems(array).Any());
        return text.Length == 0 ? [] : isNested ? [$"{name}: ({text})"] : [$"{name}: {text}"];
    }

    private static string Inline(string text) => TextLines.Join(text).Replace("*/", "* /", StringComparison.Ordinal);
}
