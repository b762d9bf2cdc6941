using GptOss.Net.Harmony;
using GptOss.Net.StructuredOutput.Json;
using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>
/// Compiles the bounds of strings and of names. All apply at once; a pattern that cannot be compiled, and a format that isn't known or
/// stands beside a pattern, is left out.
/// </summary>
internal sealed class StringFormCompiler(SchemaOmissions omissions, CancellationToken cancellationToken)
{
    private static readonly PatternAutomaton AnyText = PatternCompiler.Compile("");

    private readonly PatternBudget _budget = new(cancellationToken);
    private readonly Dictionary<string, PatternAutomaton?> _patterns = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PatternForm> _forms = new(StringComparer.Ordinal);

    /// <summary>Returns the form of a string.</summary>
    public ValueForm Compile(StringShape shape)
    {
        if (shape is { Patterns: [], NotPatterns: [], Excluded: [] })
        {
            return shape is { MinLength: 0, MaxLength: null } && StringFormats.Find(shape.Format) is { } known
                ? known
                : WithLength(shape) ?? (ValueForm)new StringForm(shape.MinLength, shape.MaxLength);
        }

        var key = Key(shape);
        if (!_forms.TryGetValue(key, out var form))
        {
            if (Automaton(shape, shape.Excluded, out _) is not { } automaton)
            {
                return new StringForm(shape.MinLength, shape.MaxLength);
            }

            _forms.Add(key, form = new PatternForm(automaton));
        }

        return form;
    }

    /// <summary>
    /// Finds what matches the names of properties that are not declared: null for any name; false if there is no such name.
    /// </summary>
    public bool TryCompileNames(StringShape shape, IEnumerable<string> declared, out PatternAutomaton? names)
    {
        names = null;
        if (shape is { Patterns: [], NotPatterns: [], Excluded: [], MinLength: 0, MaxLength: null }
            && StringFormats.Find(shape.Format) is null)
        {
            return true;
        }

        names = Automaton(shape, [.. shape.Excluded, .. declared], out var isEmpty) ?? AnyText;
        return !isEmpty;
    }

    private PatternForm? WithLength(StringShape shape) =>
        StringFormats.Find(shape.Format) is not null && Automaton(shape, [], out _) is { } automaton ? new PatternForm(automaton) : null;

    private PatternAutomaton? Automaton(StringShape shape, IReadOnlyList<string> excluded, out bool isEmpty)
    {
        PatternAutomaton? all = shape.Patterns.Count == 0 ? StringFormats.Find(shape.Format)?.Pattern : null;
        isEmpty = false;
        foreach (var pattern in shape.Patterns)
        {
            all = Narrow(all, Pattern(pattern, shape.Path), isNegated: false, shape.Path, ref isEmpty);
        }

        foreach (var pattern in shape.NotPatterns)
        {
            all = Narrow(all ?? AnyText, Pattern(pattern, shape.Path), isNegated: true, shape.Path, ref isEmpty);
        }

        if (excluded.Count > 0)
        {
            all = Narrow(
                all ?? AnyText, Try(shape.Path, "not", () => PatternCompiler.CompileTexts(excluded, _budget)), isNegated: true, shape.Path,
                ref isEmpty);
        }

        if (all is not null && (shape.MinLength > 0 || shape.MaxLength is not null))
        {
            var lengths = Try(shape.Path, "the length", () => PatternProduct.WithLength(all, shape.MinLength, shape.MaxLength, _budget));
            isEmpty |= lengths is null;
            all = lengths ?? all;
        }

        return all;
    }

    private PatternAutomaton? Narrow(PatternAutomaton? all, PatternAutomaton? other, bool isNegated, SchemaPath path, ref bool isEmpty)
    {
        if (all is null || other is null)
        {
            return all ?? other;
        }

        try
        {
            return isNegated ? PatternProduct.Without(all, other, _budget) : PatternProduct.Intersect(all, other, _budget);
        }
        catch (PatternException refused)
        {
            isEmpty |= refused.IsEmpty;
            omissions.Add(path, $"the bounds of the string: together with others the pattern {refused.Message}", Kind(refused));
            return all;
        }
    }

    private PatternAutomaton? Pattern(string pattern, SchemaPath path)
    {
        if (!_patterns.TryGetValue(pattern, out var automaton))
        {
            automaton = Try(path, $"the pattern '{Shorten(pattern)}'", () => PatternCompiler.Compile(pattern, _budget));
            _patterns.Add(pattern, automaton);
        }

        return automaton;
    }

    private PatternAutomaton? Try(SchemaPath path, string what, Func<PatternAutomaton> compile)
    {
        try
        {
            return compile();
        }
        catch (PatternException refused)
        {
            omissions.Add(path, $"{what} {refused.Message}", Kind(refused));
            return null;
        }
    }

    private static SchemaOmissionKind Kind(PatternException refused) =>
        refused.IsEmpty ? SchemaOmissionKind.Invalid : SchemaOmissionKind.Documented;

    private static string Key(StringShape shape) => string.Join('\n',
    [
        $"{shape.MinLength} {shape.MaxLength} {shape.Format}",
        .. shape.Patterns, "", .. shape.NotPatterns, "", .. shape.Excluded.Select(JsonText.Quote),
    ]);

    private static string Shorten(string pattern) => pattern.Length <= 100 ? pattern : $"{pattern[..100]}...";
}
