using System.Text.RegularExpressions;

namespace GptOss.Net.Harmony;

/// <summary>A regular expression of <c>patternProperties</c>, and what the properties must be whose name it matches.</summary>
/// <param name="Schema">The number of the schema that has it.</param>
/// <param name="Pattern">The expression.</param>
/// <param name="Value">The schema of the values.</param>
internal sealed record NamePattern(int Schema, string Pattern, SchemaPart Value)
{
    // Each doubles the kinds of names that have to be told apart.
    private const int MaxPatterns = 3;
    private const int MaxLength = 1_000;

    private static readonly List<NamePattern> None = [];

    private readonly Lazy<Regex?> _expression = new(() => Create(Pattern));

    /// <summary>Reads the patterns of some schemas.</summary>
    public static List<NamePattern> Read(IReadOnlyList<SchemaKeywords> schemas)
    {
        if (!schemas.Any(schema => schema.Has("patternProperties")))
        {
            return None;
        }

        var patterns = new List<NamePattern>();
        for (var i = 0; i < schemas.Count; i++)
        {
            var path = schemas[i].Path.Add("patternProperties");
            foreach (var pattern in schemas[i].Object("patternProperties")?.EnumerateObject() ?? default)
            {
                if (patterns.Count == MaxPatterns)
                {
                    schemas[i].Report("patternProperties", $"is enforced for up to {MaxPatterns} patterns");
                    break;
                }

                patterns.Add(new NamePattern(i, pattern.Name, new SchemaPart(pattern.Value, path.Add(pattern.Name))));
            }
        }

        return patterns;
    }

    /// <summary>Whether a name matches; false also where the expression is none that can be tried in linear time.</summary>
    public bool Matches(string name) => name.Length <= MaxLength && _expression.Value?.IsMatch(name) == true;

    private static Regex? Create(string pattern)
    {
        try
        {
            // Linear by construction; a time limit would let the machine decide what is enforced.
            return pattern.Length > MaxLength ? null
                : new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, Timeout.InfiniteTimeSpan);
        }
        catch (Exception refused) when (refused is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }
}
