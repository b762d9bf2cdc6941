using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>The document that a schema is in: its size, the identity of its parts, its references.</summary>
internal sealed class SchemaDocument
{
    private readonly JsonElement _root;
    private readonly Dictionary<int, SchemaKeywords> _keywords = [];
    private readonly Dictionary<string, SchemaPart> _resolved = new(StringComparer.Ordinal);

    public SchemaDocument(JsonElement root)
    {
        _root = root;
        var text = JsonMarshal.GetRawUtf8Value(root);
        if (text.Length > SchemaLimits.MaxSize)
        {
            throw SchemaRefusal.TooLarge($"it has {text.Length} bytes and may have {SchemaLimits.MaxSize}");
        }

        CheckDepth(text);
    }

    /// <summary>The whole schema.</summary>
    public SchemaPart Root => new(_root, SchemaPath.Root);

    /// <summary>Returns a number that only this element of the document has.</summary>
    public int IdentityOf(JsonElement element) => (int)Unsafe.ByteOffset(
        ref MemoryMarshal.GetReference(JsonMarshal.GetRawUtf8Value(_root)),
        ref MemoryMarshal.GetReference(JsonMarshal.GetRawUtf8Value(element)));

    /// <summary>Returns the keywords of a schema; null if it is true, which allows everything.</summary>
    public SchemaKeywords? Read(SchemaPart part)
    {
        if (part.Element.ValueKind == JsonValueKind.True)
        {
            return null;
        }

        if (part.Element.ValueKind != JsonValueKind.Object)
        {
            throw SchemaRefusal.Invalid(part.Path, "a schema must be an object, true or false");
        }

        ref var keywords = ref CollectionsMarshal.GetValueRefOrAddDefault(_keywords, IdentityOf(part.Element), out _);
        return keywords ??= new SchemaKeywords(part.Element, part.Path);
    }

    /// <summary>Returns the schema that a reference points to.</summary>
    public SchemaPart Resolve(string reference, SchemaPath from, SchemaBudget budget)
    {
        if (!_resolved.TryGetValue(reference, out var target))
        {
            target = Find(reference, from, budget);
            _resolved.Add(reference, target);
        }

        return target;
    }

    private SchemaPart Find(string reference, SchemaPath from, SchemaBudget budget)
    {
        if (!reference.StartsWith('#'))
        {
            throw SchemaRefusal.Unsupported(from, $"'$ref' points to '{Shorten(reference)}', outside of the schema; copy that schema into $defs");
        }

        var (element, path) = (_root, SchemaPath.Root);
        var pointer = Uri.UnescapeDataString(reference[1..]);
        if (pointer.Length > 0 && pointer[0] != '/')
        {
            throw SchemaRefusal.Unsupported(from, $"'$ref' points to the anchor '{Shorten(reference)}'; use a JSON pointer such as '#/$defs/name'");
        }

        foreach (var escaped in pointer.Split('/').Skip(1))
        {
            var segment = escaped.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            path = path.Add(segment);
            budget.SpendWork(SchemaBudget.WorkOf(CountOf(element)));
            element = Step(element, segment) ?? throw SchemaRefusal.Invalid(from, $"'$ref' points to '{Shorten(reference)}', which is not there");
        }

        return new SchemaPart(element, path);
    }

    private static string Shorten(string reference) => reference.Length <= 100 ? reference : $"{reference[..100]}...";

    // What a step looks through.
    private static int CountOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.GetPropertyCount(),
        JsonValueKind.Array => element.GetArrayLength(),
        _ => 0,
    };

    private static JsonElement? Step(JsonElement element, string segment) => element.ValueKind switch
    {
        JsonValueKind.Object when element.TryGetProperty(segment, out var value) => value,
        JsonValueKind.Array when int.TryParse(segment, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && index < element.GetArrayLength() => element[index],
        _ => null,
    };

    private static void CheckDepth(ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = SchemaLimits.MaxDepth, CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        try
        {
            while (reader.Read())
            {
            }
        }
        catch (JsonException)
        {
            throw SchemaRefusal.TooLarge($"it is more than {SchemaLimits.MaxDepth} levels deep; move deep parts to $defs");
        }
    }
}
