using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using GptOss.Net.Harmony;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>
/// Reads what the model is told about the arguments of a tool, a TypeScript type with bounds in comments, back as a JSON schema.
/// </summary>
internal sealed partial class ToldSchema
{
    private static readonly HarmonyRenderer Renderer = new(Vocabulary.Tokenizer);

    private readonly string[] _tokens;
    private int _at;

    private ToldSchema(string text) => _tokens = [.. Token().Matches(text).Select(match => match.Value)];

    /// <summary>The type of a tool with these arguments, and the types that it names, as they stand in the prompt.</summary>
    public static string Write(string schema)
    {
        var tool = new ToolDescription { Name = "f", Parameters = JsonElement.Parse(schema) };
        var content = new DeveloperContent { ToolNamespaces = [new ToolNamespace { Name = "functions", Tools = [tool] }] };
        var prompt =
            Vocabulary.Tokenizer.Decode(Renderer.Render([new HarmonyMessage { Role = HarmonyRole.Developer, Content = [content] }]));
        var start = prompt.IndexOf("{\n", StringComparison.Ordinal) + 2;
        return prompt[start..prompt.IndexOf("} // namespace", StringComparison.Ordinal)];
    }

    /// <summary>The schema that a text of <see cref="Write"/> is about.</summary>
    public static JsonObject Read(string text)
    {
        var reader = new ToldSchema(text);
        var definitions = new JsonObject();
        var arguments = new JsonObject();
        while (reader._at < reader._tokens.Length)
        {
            reader.Take("type");
            var name = reader.Take();
            reader.Take("=");
            if (reader._tokens[reader._at] == "(" && reader._tokens[reader._at + 1] is "_" or ")")
            {
                reader.Take("(");
                arguments = reader.TryTake("_")
                    ? reader.ArgumentType()
                    : new JsonObject { ["type"] = "object", ["properties"] = new JsonObject() };
                reader.Take(")");
                reader.Take("=>");
                reader.Take("any");
            }
            else
            {
                definitions[name] = reader.Union();
            }

            reader.Take(";");
        }

        arguments["$defs"] = definitions;
        return arguments;
    }

    // Comments and texts first; a line break counts where a comment stands behind a type.
    [GeneratedRegex("""//[^\n]*\n|"(?:[^"\\]|\\.)*"|=>|\.\.\.|[\p{L}_$][\p{L}\p{N}_$]*|-?\d[\d.eE+-]*|[^\s]""")]
    private static partial Regex Token();

    [GeneratedRegex(@", (?=(?:key )?(?:format|contentEncoding|pattern|minLength|maxLength|minimum|maximum"
        + @"|exclusiveMinimum|exclusiveMaximum|multipleOf|minItems|maxItems|not|items|items\[\d+(?:\.\.\.)?\]): )")]
    private static partial Regex Separator();

    [GeneratedRegex(@"^(items(?:\[\d+(?:\.\.\.)?\])?): \((.*)\)$")]
    private static partial Regex Nested();

    private JsonObject ArgumentType()
    {
        Take(":");
        return Union();
    }

    private JsonObject Union()
    {
        TryTake("|");
        var variants = new JsonArray { Variant() };
        while (TryTake("|"))
        {
            variants.Add(Variant());
        }

        return variants.Count == 1 ? variants[0]!.DeepClone().AsObject() : new JsonObject { ["anyOf"] = variants };
    }

    // A type, with the comment behind it.
    private JsonObject Variant()
    {
        var type = Primary();
        while (_tokens[_at] == "[" && _tokens[_at + 1] == "]")
        {
            _at += 2;
            type = new JsonObject { ["type"] = "array", ["items"] = type };
        }

        return TryTakeComment() is { } comment ? Bounded(type, comment) : type;
    }

    private JsonObject Primary()
    {
        var token = Take();
        switch (token)
        {
            case "(":
                var inner = Union();
                Take(")");
                return inner;
            case "{":
                return Object();
            case "[":
                return Tuple();
            case "Array":
                Take("<");
                Take("any");
                Take(">");
                return new JsonObject { ["type"] = "array" };
            case "string" or "number" or "boolean" or "null":
                return new JsonObject { ["type"] = token };
            case "any":
                return [];
            case "never":
                return new JsonObject { ["not"] = new JsonObject() };
            case "true" or "false":
                return new JsonObject { ["const"] = JsonNode.Parse(token) };
            default:
                return token[0] is '"' or '-' or (>= '0' and <= '9')
                    ? new JsonObject { ["const"] = JsonNode.Parse(token) }
                    : new JsonObject { ["$ref"] = $"#/$defs/{token}" };
        }
    }

    private JsonObject Tuple()
    {
        var (prefix, least) = (new JsonArray(), 0);
        JsonNode rest = JsonValue.Create(false);
        while (!TryTake("]"))
        {
            if (TryTake("..."))
            {
                rest = Variant()["items"]!.DeepClone();
            }
            else
            {
                prefix.Add(Variant());
                least = TryTake("?") ? least : prefix.Count;
            }

            TryTake(",");
        }

        // A fixed value has one spelling, without spaces.
        return prefix.Count > 0 && least == prefix.Count && rest is JsonValue
            && prefix.All(item => item!["const"] is not null || item["type"]?.ToString() == "null")
            ? new JsonObject { ["const"] = new JsonArray([.. prefix.Select(item => item!["const"]?.DeepClone())]) }
            : new JsonObject { ["type"] = "array", ["prefixItems"] = prefix, ["items"] = rest, ["minItems"] = least };
    }

    private JsonObject Object()
    {
        var (properties, required, patterns) = (new JsonObject(), new JsonArray(), new JsonObject());
        JsonNode others = JsonValue.Create(false);
        var isFixed = false;
        while (!TryTake("}"))
        {
            string? above = null;
            while (TryTakeComment() is { } comment)
            {
                above = comment;
            }

            var isOther = TryTake("[");
            var name = Take();
            if (isOther)
            {
                Take(":");
                Take("string");
                Take("]");
            }
            else if (!TryTake("?"))
            {
                required.Add(Name(name));
            }

            Take(":");
            var type = Union();
            isFixed = !TryTake(",");
            var behind = TryTakeComment();
            var notes = Notes(behind).ToList();
            var value = Bounded(type, notes.Where(note => !note.StartsWith("key ", StringComparison.Ordinal)));
            var keys = notes.Concat(Notes(above)).Where(note => note.StartsWith("key pattern: ", StringComparison.Ordinal)).ToList();
            if (!isOther)
            {
                properties[Name(name)] = value;
            }
            else if (keys.Count > 0)
            {
                patterns[keys.Single()["key pattern: ".Length..]] = value;
            }
            else
            {
                others = value;
            }
        }

        if (isFixed)
        {
            return new JsonObject
            {
                ["const"] = new JsonObject(properties.Select(one => KeyValuePair.Create(one.Key, one.Value!["const"]?.DeepClone()))),
            };
        }

        return new JsonObject
        {
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = required,
            ["patternProperties"] = patterns,
            ["additionalProperties"] = others,
        };
    }

    private static JsonObject Bounded(JsonObject type, string? comment) => Bounded(type, Notes(comment));

    /// <summary>A type with bounds; each counts for the values that it can be about.</summary>
    private static JsonObject Bounded(JsonObject type, IEnumerable<string> notes)
    {
        var parts = new JsonArray { type.DeepClone() };
        foreach (var note in notes)
        {
            var (keyword, value) =
                (note[..note.IndexOf(": ", StringComparison.Ordinal)], note[(note.IndexOf(": ", StringComparison.Ordinal) + 2)..]);
            parts.Add(keyword switch
            {
                "format" or "pattern" or "contentEncoding" => new JsonObject { [keyword] = value },
                "not" => new JsonObject { ["not"] = new JsonObject { ["enum"] = JsonNode.Parse($"[{value}]") } },
                "items" => new JsonObject { ["items"] = Bounded([], value) },
                _ when keyword.EndsWith("...]", StringComparison.Ordinal) => Item(keyword[6..^4], value, "items"),
                _ when keyword.EndsWith(']') => Item(keyword[6..^1], value, "prefixItems"),
                _ => new JsonObject { [keyword] = JsonNode.Parse(value) },
            });
        }

        return parts.Count == 1 ? type : new JsonObject { ["allOf"] = parts };
    }

    // About an item, or all from there.
    private static JsonObject Item(string index, string notes, string keyword)
    {
        var before = new JsonArray([.. Enumerable.Range(0, int.Parse(index, CultureInfo.InvariantCulture)).Select(_ => new JsonObject())]);
        var item = Bounded([], notes);
        if (keyword == "items")
        {
            return new JsonObject { ["prefixItems"] = before, ["items"] = item };
        }

        before.Add(item);
        return new JsonObject { ["prefixItems"] = before };
    }

    // A comment that is no bound is a description. What follows on items is about them, up to the next such note, or as far as parentheses
    // reach.
    private static IEnumerable<string> Notes(string? comment)
    {
        var open = 0;
        var notes = new List<string>();
        foreach (var note in comment is null ? [] : Separator().Split(comment))
        {
            if (!Separator().IsMatch($", {note}"))
            {
                continue;
            }

            var isItems = note.StartsWith("items", StringComparison.Ordinal);
            if (open > 0 || (!isItems && notes.Count > 0 && notes[^1].StartsWith("items", StringComparison.Ordinal)))
            {
                notes[^1] += $", {note}";
            }
            else
            {
                notes.Add(note);
            }

            open += isItems ? note.Split(": (").Length - 1 : 0;
            for (var i = note.Length - 1; open > 0 && note[i] == ')'; i--)
            {
                open--;
            }
        }

        return notes.Select(note => Nested().Replace(note, "$1: $2"));
    }

    private static string Name(string token) => token[0] == '"' ? JsonSerializer.Deserialize<string>(token)! : token;

    private string? TryTakeComment() =>
        _at < _tokens.Length && _tokens[_at].StartsWith("//", StringComparison.Ordinal) ? _tokens[_at++][2..].Trim() : null;

    private bool TryTake(string token)
    {
        var isNext = _at < _tokens.Length && _tokens[_at] == token;
        _at += isNext ? 1 : 0;
        return isNext;
    }

    private void Take(string token) =>
        TryTake(token).Should().BeTrue("'{0}' is to come at {1} of '{2}'", token, _at, string.Join(' ', _tokens));

    private string Take() => _tokens[_at++];
}
