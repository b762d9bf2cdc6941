using System.Diagnostics.CodeAnalysis;

namespace GptOss.Net.Harmony;

/// <summary>The names that types have in one namespace, besides those of its tools.</summary>
internal sealed class SchemaTypeNames(IEnumerable<string> taken)
{
    private const string Unnamed = "Arguments";

    private readonly HashSet<string> _taken = taken.ToHashSet(StringComparer.Ordinal);
    private readonly Dictionary<SchemaNode, string> _names = [];
    private readonly Queue<SchemaNode> _unwritten = new();

    /// <summary>Whether a type has a name.</summary>
    public bool Has(SchemaNode node) => _names.ContainsKey(node);

    /// <summary>The name of a type; it gets one if it has none.</summary>
    public string Of(SchemaNode node)
    {
        if (!_names.TryGetValue(node, out var name))
        {
            name = Free(NameOf(node.Path));
            _names.Add(node, name);
            _unwritten.Enqueue(node);
        }

        return name;
    }

    /// <summary>Takes a type that got its name and was not taken yet.</summary>
    public bool TryTake([MaybeNullWhen(false)] out string name, [MaybeNullWhen(false)] out SchemaNode node)
    {
        name = _unwritten.TryDequeue(out node) ? _names[node] : null;
        return name is not null;
    }

    // The last step that is a name of the schema's author.
    private static string NameOf(SchemaPath path)
    {
        var segments = path.Segments();
        for (var i = segments.Count - 1; i > 0; i--)
        {
            if (segments[i - 1] is "$defs" or "definitions" or "properties" or "schemas")
            {
                var name = string.Concat(segments[i].Where(character => char.IsAsciiLetterOrDigit(character) || character == '_'));
                return name.Length == 0 || char.IsAsciiDigit(name[0]) ? Unnamed : char.ToUpperInvariant(name[0]) + name[1..];
            }
        }

        return Unnamed;
    }

    private string Free(string name)
    {
        var free = name;
        for (var i = 2; !_taken.Add(free); i++)
        {
            free = FormattableString.Invariant($"{name}_{i}");
        }

        return free;
    }
}
