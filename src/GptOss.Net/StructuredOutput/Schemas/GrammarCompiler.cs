using GptOss.Net.Harmony;
using GptOss.Net.StructuredOutput.Json;

namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>
/// Compiles what a schema means to rules. Works through a queue, never through recursion, and within <see cref="SchemaLimits"/>.
/// </summary>
internal sealed class GrammarCompiler
{
    private readonly SchemaBudget _budget;
    private readonly SchemaOmissions _omissions = new();
    private readonly StringFormCompiler _strings;
    private readonly Dictionary<SchemaNode, ValueRule> _rules = new() { [SchemaNode.Any] = AnyJson.Value };
    private readonly Queue<(SchemaNode Node, ValueRule Rule)> _open = new();

    private GrammarCompiler(CancellationToken cancellationToken)
    {
        _budget = new SchemaBudget(cancellationToken);
        _strings = new StringFormCompiler(_omissions, cancellationToken);
    }

    /// <summary>Compiles a schema that has values; lists the patterns that are not enforced.</summary>
    /// <exception cref="ArgumentException">It is too large.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static ValueRule Compile(
        SchemaModel model, out IReadOnlyList<SchemaOmission> omissions, CancellationToken cancellationToken = default)
    {
        var compiler = new GrammarCompiler(cancellationToken);
        var rule = compiler.Compile(model.Root.Node);
        omissions = compiler._omissions.Listed;
        return rule;
    }

    private ValueRule Compile(SchemaNode root)
    {
        var rule = RuleOf(root);
        var compiled = new List<ValueRule>();
        while (_open.TryDequeue(out var next))
        {
            _budget.SpendWork(1);
            foreach (var alternative in next.Node.Alternatives)
            {
                next.Rule.Add(RuleOf(alternative.Node));
            }

            foreach (var shape in next.Node.Shapes)
            {
                foreach (var form in Forms(shape))
                {
                    next.Rule.Add(form);
                }
            }

            compiled.Add(next.Rule);
        }

        foreach (var one in compiled)
        {
            _budget.SpendWork(one.Flatten());
        }

        return rule;
    }

    private ValueRule RuleOf(SchemaNode node)
    {
        if (!_rules.TryGetValue(node, out var rule))
        {
            rule = new ValueRule(node.MinDepth);
            _rules.Add(node, rule);
            _open.Enqueue((node, rule));
        }

        return rule;
    }

    private IEnumerable<ValueForm> Forms(SchemaShape shape) => shape switch
    {
        NullShape => [EnumForm.Null],
        BooleanShape => [EnumForm.Booleans],
        FixedShape values => [new EnumForm(values.Values)],
        NumberShape { Ranges: null, FractionDigits: 0 } => [RangeForm.Integer],
        NumberShape { Ranges: null } => [NumberForm.Any],
        NumberShape number => number.Ranges.Select(range => new RangeForm(range.Low, range.High, number.FractionDigits)),
        StringShape text => [_strings.Compile(text)],
        ArrayShape array => [Array(array)],
        ObjectShape @object => [Object(@object)],
        _ => throw new InvalidOperationException($"There is no form for {shape.GetType().Name}."),
    };

    private ArrayForm Array(ArrayShape shape)
    {
        _budget.SpendWork(shape.Prefix.Count);
        return new ArrayForm(
            [.. shape.Prefix.Select(item => RuleOf(item.Node))],
            shape.Rest is { } rest ? RuleOf(rest.Node) : null,
            shape.MinItems,
            shape.MaxItems,
            shape.MinDepth());
    }

    private ObjectForm Object(ObjectShape shape)
    {
        _budget.SpendWork(shape.Properties.Count);
        var properties = new ObjectProperty[shape.Properties.Count];
        for (var i = 0; i < properties.Length; i++)
        {
            var property = shape.Properties[i];
            properties[i] = new ObjectProperty(property.Name, RuleOf(property.Value.Node), property.IsRequired);
        }

        var others = new List<OtherNames>(shape.Others.Count);
        foreach (var other in shape.Others)
        {
            // Names that no text has are left out: no name matches two patterns that exclude each other.
            if (_strings.TryCompileNames(other.Names, shape.Properties.Select(property => property.Name), out var names))
            {
                others.Add(new OtherNames(names, RuleOf(other.Value.Node)));
            }
        }

        return new ObjectForm(properties, others, shape.MinDepth());
    }
}
