using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>What <c>not</c> says, where that is a type, some values, a property that is missing, or again a negation.</summary>
internal static class SchemaNegation
{
    private const string Reason = "is enforced for types, values and one required name only";

    /// <summary>
    /// Adds to facts that a value does not satisfy a schema. Schemas that it then must satisfy are pushed on <paramref name="open"/>.
    /// </summary>
    public static SchemaFacts Add(
        SchemaFacts facts, SchemaPart negated, SchemaDocument document, SchemaBudget budget, Stack<SchemaPart> open)
    {
        budget.SpendWork(1);
        if (negated.Element.ValueKind == JsonValueKind.False)
        {
            return facts;
        }

        if (document.Read(negated) is not { IsEmpty: false } keywords)
        {
            return facts with { Types = JsonTypes.None };
        }

        if (keywords.TryGet("not", out var again) && HasOnly(keywords, "not"))
        {
            open.Push(new SchemaPart(again, keywords.Path.Add("not")));
            return facts;
        }

        if (HasOnly(keywords, "anyOf") && keywords.Array("anyOf") is { } all)
        {
            var index = 0;
            foreach (var one in all.EnumerateArray())
            {
                facts = Add(facts, new SchemaPart(one, keywords.Path.Add("anyOf").Add(index++)), document, budget, open);
            }

            return facts;
        }

        return AddSimple(facts, keywords, budget);
    }

    private static SchemaFacts AddSimple(SchemaFacts facts, SchemaKeywords keywords, SchemaBudget budget)
    {
        if (Values(keywords, budget) is { } values)
        {
            return facts with { Excluded = facts.Excluded.AddRange(values) };
        }

        // Without its whole numbers a number could not be enforced.
        if (HasOnly(keywords, "type") && keywords.Types() is { } types && (types & JsonTypes.Number) is JsonTypes.Number or JsonTypes.None)
        {
            return facts with { Types = facts.Types & ~types };
        }

        if (HasOnly(keywords, "required") && keywords.Array("required") is { } names && names.GetArrayLength() == 1
            && names[0].ValueKind == JsonValueKind.String)
        {
            return facts with { Absent = facts.Absent.Add(names[0].GetString()!) };
        }

        keywords.Report("not", Reason);
        return facts;
    }

    // Those that are listed, and have the type if one stands beside them.
    private static List<JsonElement>? Values(SchemaKeywords keywords, SchemaBudget budget)
    {
        IEnumerable<JsonElement>? listed =
            HasOnly(keywords, "enum") || HasOnly(keywords, "enum", "type") ? keywords.Array("enum")?.EnumerateArray()
            : HasOnly(keywords, "const") || HasOnly(keywords, "const", "type") ? Constant(keywords)
            : null;
        if (listed is null)
        {
            return null;
        }

        var types = keywords.Types() ?? JsonTypes.All;
        List<JsonElement> values = [.. listed.Where(value => (JsonTypeNames.Of(value) & types) != JsonTypes.None)];
        budget.SpendWork(values.Count);
        return values;
    }

    private static JsonElement[] Constant(SchemaKeywords keywords) => keywords.TryGet("const", out var value) ? [value] : [];

    private static bool HasOnly(SchemaKeywords keywords, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (!keywords.Has(name))
            {
                return false;
            }
        }

        return keywords.Count == names.Length;
    }
}
