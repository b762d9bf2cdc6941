using System.Globalization;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>
/// Finds what references point to: JSON pointers from the document, or from a schema that was embedded in it with its pointers as they
/// were; anchors; and identifiers that the document holds.
/// </summary>
internal sealed class SchemaReferences(JsonElement root, SchemaBudget budget)
{
    private readonly Dictionary<(string Reference, string Base), SchemaPart?> _resolved = [];
    private Dictionary<string, SchemaPart>? _names;

    /// <summary>Returns the schema that a reference points to; null if it is not in the document.</summary>
    public SchemaPart? Resolve(string reference, SchemaPath from)
    {
        var bases = Bases(from);
        var key = (reference, bases.Count > 0 ? bases[0].Path.ToString() : "");
        if (!_resolved.TryGetValue(key, out var target))
        {
            target = Find(reference, bases);
            _resolved.Add(key, target);
        }

        return target;
    }

    private SchemaPart? Find(string reference, List<SchemaPart> bases)
    {
        var mark = reference.IndexOf('#', StringComparison.Ordinal);
        var (document, fragment) = mark < 0 ? (reference, "") : (reference[..mark], Uri.UnescapeDataString(reference[(mark + 1)..]));
        if (document.Length > 0)
        {
            bases = Named(document) is { } embedded ? [embedded] : [];
        }

        if (fragment.Length > 0 && fragment[0] != '/')
        {
            return bases.Count > 0 ? Named("#" + fragment) : null;
        }

        var steps = fragment.Split('/')[1..];
        foreach (var start in bases)
        {
            if (Follow(start, steps) is { } target)
            {
                return target;
            }
        }

        return null;
    }

    // The nearest schema that says that it is a document, then the document, then what is around the reference, from outside.
    private List<SchemaPart> Bases(SchemaPath from)
    {
        var (marked, others) = (new List<SchemaPart>(), new List<SchemaPart>());
        var part = new SchemaPart(root, SchemaPath.Root);
        foreach (var segment in from.Segments().Append(null))
        {
            budget.SpendWork(1);
            var isMarked = part.Element.ValueKind == JsonValueKind.Object
                && (part.Element.TryGetProperty("$schema"u8, out _) || part.Element.TryGetProperty("$id"u8, out _));
            if (isMarked)
            {
                marked.Insert(0, part);
            }
            else
            {
                others.Add(part);
            }

            if (segment is null || Step(part, segment) is not { } next)
            {
                break;
            }

            part = next;
        }

        marked.Add(new SchemaPart(root, SchemaPath.Root));
        return [.. marked, .. others];
    }

    private SchemaPart? Follow(SchemaPart start, IReadOnlyList<string> steps)
    {
        SchemaPart? part = start;
        foreach (var escaped in steps)
        {
            var segment = escaped.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            part = Step(part.Value, segment);
            if (part is null)
            {
                return null;
            }
        }

        return part;
    }

    private SchemaPart? Step(SchemaPart part, string segment)
    {
        var (element, path) = (part.Element, part.Path);
        budget.SpendWork(SchemaBudget.WorkOf(element.ValueKind == JsonValueKind.Object ? element.GetPropertyCount() : 0));
        return element.ValueKind switch
        {
            JsonValueKind.Object when element.TryGetProperty(segment, out var value) => new SchemaPart(value, path.Add(segment)),
            JsonValueKind.Array when int.TryParse(segment, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                && index < element.GetArrayLength() => new SchemaPart(element[index], path.Add(index)),
            _ => null,
        };
    }

    /// <summary>The schema with an anchor (<c>#name</c>), or with an identifier that is, or ends with, the one that is asked for.</summary>
    private SchemaPart? Named(string name)
    {
        _names ??= Names();
        if (_names.TryGetValue(name, out var found))
        {
            return found;
        }

        return name[0] == '#' ? null : _names
            .Where(named => named.Key.EndsWith("/" + name.TrimStart('.', '/'), StringComparison.Ordinal))
            .Select(named => (SchemaPart?)named.Value)
            .FirstOrDefault();
    }

    private Dictionary<string, SchemaPart> Names()
    {
        var names = new Dictionary<string, SchemaPart>(StringComparer.Ordinal);
        var open = new Stack<SchemaPart>([new SchemaPart(root, SchemaPath.Root)]);
        while (open.TryPop(out var part))
        {
            budget.SpendWork(1);
            if (part.Element.ValueKind == JsonValueKind.Object)
            {
                foreach (var member in part.Element.EnumerateObject())
                {
                    if (member.Value.ValueKind == JsonValueKind.String && Prefix(member.Name) is { } prefix)
                    {
                        names.TryAdd(prefix + member.Value.GetString()!.TrimEnd('#'), part);
                    }

                    open.Push(new SchemaPart(member.Value, part.Path.Add(member.Name)));
                }
            }
            else if (part.Element.ValueKind == JsonValueKind.Array)
            {
                var index = 0;
                foreach (var item in part.Element.EnumerateArray())
                {
                    open.Push(new SchemaPart(item, part.Path.Add(index++)));
                }
            }
        }

        return names;
    }

    private static string? Prefix(string keyword) => keyword switch
    {
        "$anchor" or "$dynamicAnchor" => "#",
        "$id" or "id" => "",
        _ => null,
    };
}
