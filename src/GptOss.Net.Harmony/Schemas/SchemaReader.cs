using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>
/// Reads one JSON schema into nodes. Works through a queue, never through recursion, and within <see cref="SchemaLimits"/>.
/// </summary>
internal sealed class SchemaReader
{
    private readonly SchemaDocument _document;
    private readonly SchemaBudget _budget;
    private readonly SchemaOmissions _omissions;
    private readonly Dictionary<string, SchemaNode> _nodes = new(StringComparer.Ordinal) { [""] = SchemaNode.Any };
    private readonly Queue<(SchemaNode Node, SchemaConjunction Schema)> _open = new();
    private readonly List<SchemaNode> _read = [];

    public SchemaReader(JsonElement schema, SchemaOmissions omissions, CancellationToken cancellationToken)
    {
        (_budget, _omissions) = (new SchemaBudget(cancellationToken), omissions);
        _document = new SchemaDocument(schema, _budget, omissions);
    }

    /// <summary>Reads the whole schema.</summary>
    /// <exception cref="ArgumentException">It is too large.</exception>
    public SchemaUse Read(SchemaFacts facts)
    {
        var root = UseOf([_document.Root], facts);
        while (_open.TryDequeue(out var next))
        {
            Read(next.Node, next.Schema);
            _read.Add(next.Node);
        }

        SchemaDepths.Compute(_read, _budget);
        if (root.Node.HasValues)
        {
            foreach (var node in _read)
            {
                node.Prune();
            }
        }

        return root;
    }

    /// <summary>A value that satisfies all of some schemas; they may be read later.</summary>
    public SchemaUse UseOf(IReadOnlyList<SchemaPart> schemas, SchemaFacts? facts = null) =>
        new(SchemaTexts.Read(_document, schemas), NodeOf(schemas, facts));

    /// <summary>The values that satisfy all of some schemas.</summary>
    public SchemaNode NodeOf(IReadOnlyList<SchemaPart> schemas, SchemaFacts? facts = null)
    {
        var schema = SchemaConjunction.Create(_document, _budget, _omissions, schemas, facts ?? SchemaFacts.None);
        if (!_nodes.TryGetValue(schema.Key, out var node))
        {
            _budget.SpendNode();
            node = new SchemaNode(schema.Parts is [var only] ? only.Path : schemas.Count > 0 ? schemas[^1].Path : SchemaPath.Root);
            _nodes.Add(schema.Key, node);
            _open.Enqueue((node, schema));
        }

        return node;
    }

    /// <summary>The shapes of values that satisfy all of some schemas, at once; null if these leave a choice.</summary>
    public IReadOnlyList<SchemaShape>? ShapesOf(IReadOnlyList<SchemaPart> schemas, SchemaFacts facts)
    {
        var schema = SchemaConjunction.Create(_document, _budget, _omissions, schemas, facts);
        var keywords = schema.Parts.Select(part => _document.Read(part)!).ToList();
        return keywords.Exists(one => SchemaChoices.Find(one, 0) is not null)
            ? null
            : [.. SchemaShapeReader.Read(keywords, schema.Facts, this, _budget)];
    }

    /// <summary>Counts work.</summary>
    public void Spend(int work) => _budget.SpendWork(work);

    private void Read(SchemaNode node, SchemaConjunction schema)
    {
        var keywords = new SchemaKeywords[schema.Parts.Count];
        for (var i = 0; i < keywords.Length; i++)
        {
            keywords[i] = _document.Read(schema.Parts[i])!;
        }

        for (var i = 0; i < keywords.Length; i++)
        {
            if (SchemaChoices.Find(keywords[i], schema.Parts[i].Resolved) is { } alternatives)
            {
                AddAlternatives(node, schema, i, alternatives);
                return;
            }
        }

        foreach (var shape in SchemaShapeReader.Read(keywords, schema.Facts, this, _budget))
        {
            node.Add(shape);
        }
    }

    private void AddAlternatives(SchemaNode node, SchemaConjunction schema, int chosen, IReadOnlyList<SchemaAlternative> alternatives)
    {
        foreach (var alternative in alternatives)
        {
            List<SchemaPart> parts = [.. schema.Parts];
            if (alternative.IsInstead)
            {
                parts.RemoveAt(chosen);
            }
            else
            {
                parts[chosen] = parts[chosen] with { Resolved = parts[chosen].Resolved + 1 };
            }

            SchemaPart[] own = alternative.Part is { } part ? [part] : [];
            var facts = alternative.Facts?.Invoke(schema.Facts) ?? schema.Facts;
            node.Add(new SchemaUse(SchemaTexts.Read(_document, own), NodeOf([.. parts, .. own], facts)));
        }
    }
}
