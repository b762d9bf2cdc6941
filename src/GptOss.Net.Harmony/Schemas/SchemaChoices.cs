using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>The choices that one schema leaves: null or the rest of it, anyOf, oneOf, and each property on which others depend.</summary>
internal static class SchemaChoices
{
    private static readonly string[] Lists = ["anyOf", "oneOf"];
    private static readonly string[] Dependencies = ["dependentRequired", "dependentSchemas", "dependencies"];

    // Each doubles the alternatives.
    private const int MaxDependencies = 6;

    /// <summary>Returns the alternatives of the choice after so many others; null if there is no other choice.</summary>
    public static IReadOnlyList<SchemaAlternative>? Find(SchemaKeywords keywords, int resolved)
    {
        if (keywords.IsNullable && resolved-- == 0)
        {
            return
            [
                new(null, facts => facts with { Types = facts.Types & JsonTypes.Null }, IsInstead: true),
                new(null),
            ];
        }

        foreach (var keyword in Lists)
        {
            if (keywords.Has(keyword) && resolved-- == 0)
            {
                return Listed(keywords, keyword);
            }
        }

        return Dependency(keywords, resolved);
    }

    private static IReadOnlyList<SchemaAlternative> Listed(SchemaKeywords keywords, string keyword)
    {
        if (keywords.Array(keyword) is not { } alternatives)
        {
            return [new(null)];
        }

        if (alternatives.GetArrayLength() == 0)
        {
            keywords.ReportInvalid(keyword, "must have at least one schema");
            return [new(null)];
        }

        var path = keywords.Path.Add(keyword);
        return [.. alternatives.EnumerateArray()
            .Select((alternative, index) => new SchemaAlternative(new SchemaPart(alternative, path.Add(index))))];
    }

    private static SchemaAlternative[]? Dependency(SchemaKeywords keywords, int index)
    {
        foreach (var keyword in Dependencies)
        {
            if (!keywords.Has(keyword) || keywords.Object(keyword) is not { } dependencies)
            {
                continue;
            }

            var count = dependencies.GetPropertyCount();
            if (count > MaxDependencies)
            {
                keywords.Report(keyword, $"has {count} properties and is enforced for up to {MaxDependencies}");
            }
            else if (index < count)
            {
                return Depending(dependencies.EnumerateObject().ElementAt(index), keywords.Path.Add(keyword));
            }
            else
            {
                index -= count;
            }
        }

        return null;
    }

    private static SchemaAlternative[] Depending(JsonProperty dependency, SchemaPath path)
    {
        var (name, needs) = (dependency.Name, dependency.Value);
        string[] names = needs.ValueKind == JsonValueKind.Array
            ? [name, .. needs.EnumerateArray().Where(need => need.ValueKind == JsonValueKind.String).Select(need => need.GetString()!)]
            : [name];
        return
        [
            new(null, facts => facts with { Absent = facts.Absent.Add(name) }),
            new(
                needs.ValueKind == JsonValueKind.Array ? null : new SchemaPart(needs, path.Add(name)),
                facts => facts with { Present = facts.Present.Union(names) }),
        ];
    }
}
