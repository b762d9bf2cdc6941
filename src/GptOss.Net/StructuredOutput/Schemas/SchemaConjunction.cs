using System.Globalization;
using System.Text.Json;

namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>Schemas that a value must satisfy all at once, with references and allOf resolved.</summary>
internal sealed class SchemaConjunction
{
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
        var parts = new SortedDictionary<int, SchemaPart>();
        var open = new Stack<SchemaPart>(schemas.Reverse());
        while (open.TryPop(out var part))
        {
            budget.SpendWork(1);
            if (part.Element.ValueKind == JsonValueKind.False)
            {
                return new SchemaConjunction([], isNever: true, "false");
            }

            if (document.Read(part) is not { IsEmpty: false } keywords)
            {
                continue;
            }

            var identity = document.IdentityOf(part.Element);
            if (parts.TryGetValue(identity, out var known))
            {
                parts[identity] = known with { Resolved = Math.Max(known.Resolved, part.Resolved) };
                continue;
            }

            parts.Add(identity, part);
            foreach (var included in Included(document, part, keywords))
            {
                open.Push(included);
            }
        }

        var key = string.Join(' ', parts.Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Key}:{part.Value.Resolved}")));
        return new SchemaConjunction([.. parts.Values], isNever: false, key);
    }

    private static IEnumerable<SchemaPart> Included(SchemaDocument document, SchemaPart part, SchemaKeywords keywords)
    {
        if (keywords.String("$ref") is { } reference)
        {
            var target = document.Resolve(reference, part.Path);
            yield return document.IdentityOf(target.Element) == document.IdentityOf(part.Element)
                ? throw SchemaRefusal.Invalid(part.Path, "'$ref' points to the schema that it is in")
                : target;
        }

        if (keywords.Array("allOf") is { } all)
        {
            var index = 0;
            foreach (var one in all.EnumerateArray())
            {
                yield return new SchemaPart(one, part.Path.Add("allOf").Add($"{index++}"));
            }
        }
    }
}
