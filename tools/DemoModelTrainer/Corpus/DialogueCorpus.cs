namespace DemoModelTrainer.Corpus;

/// <summary>All scripts and tables, and what may stand in a developer message.</summary>
internal sealed class DialogueCorpus
{
    /// <summary>The table whose words get no row of their own.</summary>
    public const string UnknownTable = "unknown";

    private readonly double[] _cumulativeWeights;

    private DialogueCorpus(IReadOnlyList<DialogueScript> scripts, IReadOnlyDictionary<string, Table> tables)
    {
        Scripts = scripts;
        Tables = tables;
        UnknownWords = [.. tables[UnknownTable].Rows.Select(row => row[0])];
        CommonWords = [.. tables["words"].Rows.Select(row => row[0])];
        Instructions = [.. tables["instructions"].Rows.Select(row => row[0])];
        var total = 0.0;
        _cumulativeWeights = [.. scripts.Select(script => total += script.Weight)];
    }

    public IReadOnlyList<DialogueScript> Scripts { get; }

    public IReadOnlyDictionary<string, Table> Tables { get; }

    /// <summary>Gets words that are kept out of the vocabulary, so that the shared row is trained.</summary>
    public IReadOnlyList<string> UnknownWords { get; }

    public IReadOnlyList<string> CommonWords { get; }

    public IReadOnlyList<string> Instructions { get; }

    public static DialogueCorpus Load(string folder)
    {
        var tables = Directory.EnumerateFiles(Path.Combine(folder, "Tables"), "*.txt")
            .ToDictionary(file => Path.GetFileNameWithoutExtension(file), Table.Read, StringComparer.Ordinal);
        foreach (var (name, table) in NumberTables.All)
        {
            tables.Add(name, table);
        }

        return new DialogueCorpus(DialogueScriptReader.ReadFolder(Path.Combine(folder, "Dialogues")), tables);
    }

    /// <summary>The same corpus with a common word in place of the unknown ones.</summary>
    public DialogueCorpus WithoutUnknownWords() => new(
        Scripts,
        new Dictionary<string, Table>(Tables, StringComparer.Ordinal) { [UnknownTable] = new Table(["unknown"], [["house"]]) });

    /// <summary>Draws a script that can stand before another one.</summary>
    public DialogueScript DrawPlainScript(Random random)
    {
        var script = DrawScript(random);
        return script.IsPlain ? script : DrawPlainScript(random);
    }

    public DialogueScript DrawScript(Random random)
    {
        var index = Array.BinarySearch(_cumulativeWeights, random.NextDouble() * _cumulativeWeights[^1]);
        return Scripts[index >= 0 ? index : ~index];
    }
}
