using System.Globalization;
using System.Text;
using System.Text.Json;

namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>Schemas that a value must satisfy all at once, with references and allOf resolved.</summary>
internal sealed class SchemaConjunction
{
    private static readonly SchemaConjunction Anything = new([], isNever: false, "");
    private static readonly SchemaConjunction Nothing = new([], isNever: true, "false");

    private SchemaConjunction(IReadOnlyList<SchemaPart> parts, bool isNever, string key) => (Parts, IsNever, Key) = (parts, isNever, key);

    /// <summary>The schemas that say something, in a fixed order.</summary>
    public IReadOnlyList<SchemaPart> Parts { get; }

    /// <summary>Whether no value satisfies them, because one is false.</summary>
    public bool IsNever { get; }

    /// <summary>Equal for conjunctions of the same schemas.</summary>
    public string Key { get; }

    /// <summary>Resolves the references and allOf of some schemas.</summary>
    public static SchemaConjunction Create(SchemaDocument document, SchemaBudget budget, IEnumerable<SchemaPart> schemas)
    {
        Dictionary<int, SchemaPart>? parts = null;
        var open = new Stack<SchemaPart>(schemas.Reverse());
        while (open.TryPop(out var part))
        {
            budget.SpendWork(1);
            if (part.Element.ValueKind == JsonValueKind.False)
            {
                return Nothing;
            }

            if (document.Read(part) is not { IsEmpty: false } keywords)
            {
                continue;
            }

            budget.SpendWork(keywords.Work);
            parts ??= [];
            var identity = document.IdentityOf(part.Element);
            if (parts.TryGetValue(identity, out var known))
            {
                parts[identity] = known with { Resolved = Math.Max(known.Resolved, part.Resolved) };
                continue;
            }

            parts.Add(identity, part);
            foreach (var included in Included(document, budget, part, keywords))
            {
                open.Push(included);
            }
        }

        return parts is null ? Anything : InOrder(parts);
    }

    private static SchemaConjunction InOrder(Dictionary<int, SchemaPart> parts)
    {
        int[] identities = [.. parts.Keys];
        Array.Sort(identities);
        var ordered = new SchemaPart[identities.Length];
        var key = new StringBuilder();
        for (var i = 0; i < ordered.Length; i++)
        {
            ordered[i] = parts[identities[i]];
            key.Append(CultureInfo.InvariantCulture, $"{identities[i]}:{ordered[i].Resolved} ");
        }

        return new SchemaConjunction(ordered, isNever: false, key.ToString());
    }

    private static IEnumerable<SchemaPart> Included(
        SchemaDocument document, SchemaBudget budget, SchemaPart part, SchemaKeywords keywords)
    {
        if (keywords.String("$ref") is { } reference)
        {
            var target = document.Resolve(reference, part.Path, budget);
            yield return document.IdentityOf(target.Element) == document.IdentityOf(part.Element)
                ? throw SchemaRefusal.Invalid(part.Path, "'$ref' points to the schema that it is in")
                : target;
        }

        if (keywords.Array("allOf") is { } all)
        {
            var path = part.Path.Add("allOf");
            var index = 0;
            foreach (var one in all.EnumerateArray())
            {
                yield return new SchemaPart(one, path.Add(index++));
            }
        }
    }
}
