using System.Text.Json;
using GptOss.Net.StructuredOutput.Json;

namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>Compiles one JSON schema to rules. Works through a queue, never through recursion, and within <see cref="SchemaLimits"/>.</summary>
internal sealed class SchemaCompiler
{
    private static readonly string[] ChoiceKeywords = ["anyOf", "oneOf"];

    private readonly SchemaDocument _document;
    private readonly SchemaBudget _budget;
    private readonly Dictionary<string, ValueRule> _rules = new(StringComparer.Ordinal) { [""] = AnyJson.Value, ["false"] = new ValueRule() };
    private readonly Queue<(ValueRule Rule, SchemaConjunction Schema)> _open = new();
    private readonly List<ValueRule> _compiled = [];
    private readonly StringFormCompiler _strings;

    private SchemaCompiler(SchemaDocument document, CancellationToken cancellationToken)
    {
        _document = document;
        _budget = new SchemaBudget(cancellationToken);
        _strings = new StringFormCompiler(_budget);
    }

    /// <summary>Compiles a schema.</summary>
    /// <exception cref="ArgumentException">The schema is malformed, too large, or has no values.</exception>
    /// <exception cref="NotSupportedException">The schema asks for something that cannot be enforced.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static ValueRule Compile(JsonElement schema, CancellationToken cancellationToken = default)
    {
        var document = new SchemaDocument(schema);
        return new SchemaCompiler(document, cancellationToken).Compile(document.Root);
    }

    /// <summary>Returns the rule for values that satisfy all of some schemas; it may be compiled later.</summary>
    public ValueRule RuleFor(IEnumerable<SchemaPart> schemas)
    {
        var schema = SchemaConjunction.Create(_document, _budget, schemas);
        if (!_rules.TryGetValue(schema.Key, out var rule))
        {
            _budget.SpendNode();
            rule = new ValueRule();
            _rules.Add(schema.Key, rule);
            _open.Enqueue((rule, schema));
        }

        return rule;
    }

    /// <summary>Counts work.</summary>
    public void Spend(int work) => _budget.SpendWork(work);

    private ValueRule Compile(SchemaPart root)
    {
        var rule = RuleFor([root]);
        while (_open.TryDequeue(out var next))
        {
            CompileRule(next.Rule, next.Schema);
            _compiled.Add(next.Rule);
        }

        foreach (var compiled in _compiled)
        {
            _budget.SpendWork(compiled.Flatten());
        }

        // Each round gets the rules of one more level right.
        for (var level = 0; level <= SchemaLimits.MaxAnswerDepth && UpdateDepths(); level++)
        {
        }

        return rule.MinDepth <= SchemaLimits.MaxAnswerDepth ? rule : throw SchemaRefusal.Invalid(
            SchemaPath.Root, $"no value satisfies it, or only values more than {SchemaLimits.MaxAnswerDepth} levels deep; look for contradictions and endless references");
    }

    private bool UpdateDepths()
    {
        var changed = false;
        foreach (var rule in _compiled)
        {
            changed |= rule.UpdateMinDepth();
        }

        return changed;
    }

    private void CompileRule(ValueRule rule, SchemaConjunction schema)
    {
        var keywords = schema.Parts.Select(part => _document.Read(part)!).ToList();
        for (var i = 0; i < keywords.Count; i++)
        {
            if (Choice(keywords[i], schema.Parts[i].Resolved) is { } choice)
            {
                AddAlternatives(rule, schema, i, choice);
                return;
            }
        }

        AddForms(rule, keywords);
    }

    /// <summary>The first choice that other parts do not stand for yet.</summary>
    private static string? Choice(SchemaKeywords keywords, int resolved)
    {
        foreach (var choice in ChoiceKeywords)
        {
            if (keywords.Has(choice) && resolved-- == 0)
            {
                return choice;
            }
        }

        return null;
    }

    private void AddAlternatives(ValueRule rule, SchemaConjunction schema, int part, string choice)
    {
        var parts = schema.Parts.ToList();
        var path = parts[part].Path.Add(choice);
        var alternatives = _document.Read(parts[part])!.Array(choice)!.Value;
        if (alternatives.GetArrayLength() == 0)
        {
            throw SchemaRefusal.Invalid(path, "it must have at least one schema");
        }

        parts[part] = parts[part] with { Resolved = parts[part].Resolved + 1 };
        var index = 0;
        foreach (var alternative in alternatives.EnumerateArray())
        {
            rule.Add(RuleFor([.. parts, new SchemaPart(alternative, path.Add(index++))]));
        }
    }

    private void AddForms(ValueRule rule, IReadOnlyList<SchemaKeywords> schemas)
    {
        var named = schemas.Aggregate(JsonTypes.All, (types, schema) => types & (schema.Types() ?? JsonTypes.All));
        if (FixedValues.Find(schemas, named, _budget) is { } values)
        {
            if (values.Count > 0)
            {
                rule.Add(new TextsForm(values));
            }

            return;
        }

        var types = schemas.Any(schema => schema.Has("type")) ? named : ImpliedTypes.Of(schemas);
        if (types.HasFlag(JsonTypes.Null))
        {
            rule.Add(TextsForm.Null);
        }

        if (types.HasFlag(JsonTypes.Boolean))
        {
            rule.Add(TextsForm.Booleans);
        }

        if ((types & JsonTypes.Number) != JsonTypes.None)
        {
            rule.Add(NumberFormCompiler.Compile(schemas, isInteger: !types.HasFlag(JsonTypes.Fraction)));
        }

        if (types.HasFlag(JsonTypes.String))
        {
            rule.Add(_strings.Compile(schemas));
        }

        if (types.HasFlag(JsonTypes.Array))
        {
            rule.Add(ArrayFormCompiler.Compile(schemas, this));
        }

        if (types.HasFlag(JsonTypes.Object))
        {
            rule.Add(ObjectFormCompiler.Compile(schemas, this));
        }
    }
}
