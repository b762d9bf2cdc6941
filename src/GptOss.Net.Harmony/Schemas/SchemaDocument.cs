using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>The document that a schema is in: its size, the identity of its parts.</summary>
internal sealed class SchemaDocument
{
    private static readonly JsonReaderOptions ReaderOptions = new()
    {
        MaxDepth = SchemaLimits.MaxDepth,
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    private readonly JsonElement _root;
    private readonly SchemaOmissions _omissions;
    private readonly Dictionary<int, SchemaKeywords> _keywords = [];

    public SchemaDocument(JsonElement root, SchemaBudget budget, SchemaOmissions omissions)
    {
        var text = JsonMarshal.GetRawUtf8Value(root);
        if (text.Length > SchemaLimits.MaxSize)
        {
            throw SchemaRefusal.TooLarge($"it has {text.Length} bytes and may have {SchemaLimits.MaxSize}");
        }

        CheckDepth(text);
        (_root, _omissions) = (JsonText.WithWholeCharacters(root), omissions);
        References = new SchemaReferences(_root, budget);
    }

    /// <summary>The whole schema.</summary>
    public SchemaPart Root => new(_root, SchemaPath.Root);

    /// <summary>The references in it.</summary>
    public SchemaReferences References { get; }

    /// <summary>Returns a number that only this element of the document has.</summary>
    public int IdentityOf(JsonElement element) => (int)Unsafe.ByteOffset(
        ref MemoryMarshal.GetReference(JsonMarshal.GetRawUtf8Value(_root)),
        ref MemoryMarshal.GetReference(JsonMarshal.GetRawUtf8Value(element)));

    /// <summary>Returns the keywords of a schema; null if it allows everything.</summary>
    public SchemaKeywords? Read(SchemaPart part)
    {
        if (part.Element.ValueKind != JsonValueKind.Object)
        {
            if (part.Element.ValueKind != JsonValueKind.True)
            {
                _omissions.Add(part.Path, "a schema must be an object, true or false", SchemaOmissionKind.Invalid);
            }

            return null;
        }

        ref var keywords = ref CollectionsMarshal.GetValueRefOrAddDefault(_keywords, IdentityOf(part.Element), out _);
        return keywords ??= new SchemaKeywords(part.Element, part.Path, _omissions);
    }

    private static void CheckDepth(ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text, ReaderOptions);
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
