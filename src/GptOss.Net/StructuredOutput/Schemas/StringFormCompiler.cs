using GptOss.Net.StructuredOutput.Json;
using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>Compiles what schemas say about strings. A pattern goes before a format; of formats only the known ones count.</summary>
internal sealed class StringFormCompiler(SchemaBudget budget)
{
    private readonly Dictionary<(string Pattern, int MinLength, int? MaxLength), PatternForm> _patterns = [];

    public ValueForm Compile(IReadOnlyList<SchemaKeywords> schemas)
    {
        var minLength = schemas.Max(schema => schema.Count("minLength")) ?? 0;
        var maxLength = schemas.Min(schema => schema.Count("maxLength"));
        var path = schemas[0].Path;
        if (minLength > SchemaLimits.MaxMinimum)
        {
            throw SchemaRefusal.Unsupported(path, $"'minLength' is {minLength} and may be {SchemaLimits.MaxMinimum}");
        }

        if (minLength > maxLength)
        {
            throw SchemaRefusal.Invalid(path, $"'minLength' {minLength} is above 'maxLength' {maxLength}");
        }

        var patterns = schemas.Where(schema => schema.Has("pattern")).Select(schema => schema.String("pattern")!).Distinct(StringComparer.Ordinal).ToList();
        return patterns.Count switch
        {
            0 => (ValueForm?)KnownFormat(schemas) ?? new StringForm(minLength, maxLength),
            1 => CompilePattern(patterns[0], minLength, maxLength, path),
            _ => throw SchemaRefusal.Unsupported(path, $"{patterns.Count} patterns apply to the same string; join them to one"),
        };
    }

    private static PatternForm? KnownFormat(IReadOnlyList<SchemaKeywords> schemas) =>
        schemas.Select(schema => schema.String("format")).Select(StringFormats.Find).FirstOrDefault(form => form is not null);

    private PatternForm CompilePattern(string pattern, int minLength, int? maxLength, SchemaPath path)
    {
        if (_patterns.TryGetValue((pattern, minLength, maxLength), out var form))
        {
            return form;
        }

        try
        {
            form = new PatternForm(PatternCompiler.Compile(pattern, minLength, maxLength, budget.Patterns));
        }
        catch (PatternException refused)
        {
            throw SchemaRefusal.Unsupported(path, $"the pattern '{Shorten(pattern)}' {refused.Message}");
        }

        _patterns.Add((pattern, minLength, maxLength), form);
        return form;
    }

    private static string Shorten(string pattern) => pattern.Length <= 100 ? pattern : $"{pattern[..100]}...";
}
