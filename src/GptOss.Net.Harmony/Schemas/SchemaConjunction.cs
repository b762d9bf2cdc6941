using System.Globalization;
using System.Text;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>Schemas that a value must satisfy all at once, with references, allOf and what <c>not</c> says resolved.</summary>
internal sealed class SchemaConjunction
{
    private static readonly string[] References = ["$ref", "$dynamicRef", "$recursiveRef"];
    private static readonly SchemaConjunction Anything = new([], SchemaFacts.None, "");
    private static readonly SchemaConjunction Nothing = new([], SchemaFacts.Never, "false");

    private SchemaConjunction(IReadOnlyList<SchemaPart> parts, SchemaFacts facts, string key) =>
        (Parts, Facts, Key) = (parts, facts, key);

    /// <summary>The schemas that say something, in a fixed order.</summary>
    public IReadOnlyList<SchemaPart> Parts { get; }

    /// <summary>What is known of the value beside them.</summary>
    public SchemaFacts Facts { get; }

    /// <summary>Equal for conjunctions of the same schemas.</summary>
    public string Key { get; }

    /// <summary>Resolves the references and allOf of some schemas.</summary>
    public static SchemaConjunction Create(
        SchemaDocument document, SchemaBudget budget, SchemaOmissions omissions, IEnumerable<SchemaPart> schemas, SchemaFacts given)
    {
        Dictionary<int, SchemaPart>? parts = null;
        var facts = given;
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
            var identity = document.IdentityOf(part.Element);
            var resolved = part.Resolved;
            parts ??= [];
            if (parts.TryGetValue(identity, out var known))
            {
                resolved = Math.Max(known.Resolved, part.Resolved);
                parts[identity] = known with { Resolved = resolved };
                if (known.Resolved > 0 || resolved == 0)
                {
                    continue;
                }
            }
            else
            {
                parts.Add(identity, part);
            }

            if (keywords.IsNullable && resolved == 0)
            {
                continue; // what else it says is one of two alternatives
            }

            foreach (var included in Included(document, omissions, part, keywords))
            {
                open.Push(included);
            }

            if (keywords.TryGet("not", out var negated))
            {
                facts = SchemaNegation.Add(facts, new SchemaPart(negated, keywords.Path.Add("not")), document, budget, open);
            }
        }

        return parts is not null ? InOrder(document, parts, facts, given)
            : given.Key.Length == 0 ? Anything
            : new SchemaConjunction([], facts, given.Key);
    }

    private static SchemaConjunction InOrder(
        SchemaDocument document, Dictionary<int, SchemaPart> parts, SchemaFacts facts, SchemaFacts given)
    {
        if (parts.Count == 1 && given.Key.Length == 0)
        {
            var (identity, part) = parts.First();
            return document.Read(part)!.IsSpent(part.Resolved)
                ? new SchemaConjunction([], facts, "")
                : new SchemaConjunction([part], facts, string.Create(CultureInfo.InvariantCulture, $"{identity}:{part.Resolved} "));
        }

        int[] identities = [.. parts.Keys];
        Array.Sort(identities);
        var ordered = new List<SchemaPart>(identities.Length);
        var key = new StringBuilder();
        foreach (var place in identities)
        {
            if (parts[place] is var one && !document.Read(one)!.IsSpent(one.Resolved))
            {
                ordered.Add(one);
                key.Append(CultureInfo.InvariantCulture, $"{place}:{one.Resolved} ");
            }
        }

        return new SchemaConjunction(ordered, facts, key.Append(given.Key).ToString());
    }

    private static IEnumerable<SchemaPart> Included(
        SchemaDocument document, SchemaOmissions omissions, SchemaPart part, SchemaKeywords keywords)
    {
        foreach (var keyword in References)
        {
            if (keywords.String(keyword) is not { } reference)
            {
                continue;
            }

            if (document.References.Resolve(reference, part.Path) is not { } target)
            {
                var isInside = reference.StartsWith('#');
                omissions.Add(
                    part.Path,
                    $"'{keyword}' points to '{Shorten(reference)}', "
                    + $"{(isInside ? "which is not there" : "outside of the schema; copy that schema into $defs")}",
                    isInside ? SchemaOmissionKind.Invalid : SchemaOmissionKind.Unsupported);
            }
            else if (document.IdentityOf(target.Element) == document.IdentityOf(part.Element))
            {
                omissions.Add(part.Path, $"'{keyword}' points to the schema that it is in", SchemaOmissionKind.Invalid);
            }
            else
            {
                yield return target;
            }
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

    private static string Shorten(string reference) => reference.Length <= 100 ? reference : $"{reference[..100]}...";
}
