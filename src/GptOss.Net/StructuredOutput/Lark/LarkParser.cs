namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>Reads the part of Lark's notation that says which texts there are.</summary>
/// <remarks>
/// What shapes the tree of a parse changes no text and is read over: <c>?</c> and <c>!</c> before a name, <c>-> alias</c>.
/// </remarks>
internal sealed class LarkParser
{
    private readonly LarkCursor _cursor;
    private readonly LarkExpressionParser _expressions;
    private readonly LarkDefinitions _definitions = new(new(StringComparer.Ordinal), new(StringComparer.Ordinal), []);

    private LarkParser(string grammar)
    {
        _cursor = new LarkCursor(LarkLexer.Read(grammar));
        _expressions = new LarkExpressionParser(_cursor);
    }

    /// <exception cref="LarkException">The grammar is malformed, or says something that is not supported.</exception>
    public static LarkDefinitions Parse(string grammar)
    {
        var parser = new LarkParser(grammar);
        while (parser._cursor.SkipNewLines().Kind != LarkTokenKind.End)
        {
            parser.ParseStatement();
        }

        return parser._definitions;
    }

    private void ParseStatement()
    {
        if (_cursor.Current.Kind == LarkTokenKind.Directive)
        {
            ParseDirective(_cursor.Take());
        }
        else
        {
            ParseDefinition();
        }

        if (_cursor.Current.Kind is not (LarkTokenKind.NewLine or LarkTokenKind.End))
        {
            throw LarkCursor.Unexpected(_cursor.Current);
        }
    }

    private void ParseDirective(LarkToken directive)
    {
        switch (directive.Text)
        {
            case "%ignore":
                _definitions.Ignored.Add(_expressions.ParseChoice());
                break;
            case "%import":
                ParseImport();
                break;
            case "%declare":
                throw new LarkException(directive.Place, "'%declare' is not supported: a terminal without a text; write the terminal out");
            case "%extend" or "%override":
                throw new LarkException(
                    directive.Place, $"'{directive.Text}' is not supported; write all alternatives where the rule is defined");
            default:
                throw new LarkException(directive.Place, $"'{directive.Text}' is not known; there are %ignore and %import");
        }
    }

    private void ParseImport()
    {
        var module = _cursor.Take();
        if (module.Kind != LarkTokenKind.Name || !string.Equals(module.Text, "common", StringComparison.Ordinal))
        {
            throw new LarkException(
                module.Place, $"{module} cannot be imported from: only 'common' can; write the terminals of other modules out");
        }

        if (_cursor.TryTake("("))
        {
            do
            {
                var listed = _cursor.Take();
                Import(listed, listed.Text);
            }
            while (_cursor.TryTake(","));

            _cursor.Expect(")", "the list of names has no end; write ')'");
            return;
        }

        _cursor.Expect(".", "write '%import common.NAME', or '%import common (NAME, NAME)'");
        var imported = _cursor.Take();
        Import(imported, _cursor.TryTake("->") ? _cursor.Take().Text : imported.Text);
    }

    private void Import(LarkToken imported, string name)
    {
        var terminal = CommonTerminals.Find(imported.Text, imported.Place) ?? throw new LarkException(
            imported.Place, $"'common' has no {imported}; it has {CommonTerminals.Names}");
        if (!LarkName.IsTerminalName(name))
        {
            throw new LarkException(imported.Place, $"'{name}' is to name a terminal; write it in capitals");
        }

        Define(new LarkDefinition(name, terminal, imported.Place));
    }

    private void ParseDefinition()
    {
        while (_cursor.Current.Is("?") || _cursor.Current.Is("!"))
        {
            _cursor.Take();
        }

        var name = _cursor.Take();
        if (name.Kind != LarkTokenKind.Name)
        {
            throw new LarkException(
                name.Place, $"{name} cannot begin a line; write 'name: ...', a directive such as %ignore, or '|' for one more alternative");
        }

        LarkCursor.CheckName(name);
        if (_cursor.Current.Is("{"))
        {
            throw LarkCursor.Unexpected(_cursor.Current);
        }

        if (_cursor.Current.Is("."))
        {
            throw new LarkException(
                _cursor.Current.Place,
                "priorities are not supported: every reading of a text is followed at once; remove the full stop and the number");
        }

        _cursor.Expect(":", $"a colon must follow the name '{name.Text}'; write '{name.Text}: ...'");
        Define(new LarkDefinition(name.Text, _expressions.ParseChoice(), name.Place));
    }

    private void Define(LarkDefinition definition)
    {
        var isNew = LarkName.IsTerminalName(definition.Name)
            ? _definitions.Terminals.TryAdd(definition.Name, definition)
            : _definitions.Rules.TryAdd(definition.Name, definition);
        if (!isNew)
        {
            throw new LarkException(
                definition.Place, $"'{definition.Name}' is defined a second time; write its alternatives in one place, parted by '|'");
        }
    }
}
