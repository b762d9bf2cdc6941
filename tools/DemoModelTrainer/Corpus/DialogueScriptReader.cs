namespace DemoModelTrainer.Corpus;

/// <summary>Reads the dialogue files; README.md describes their format.</summary>
internal static class DialogueScriptReader
{
    public static IReadOnlyList<DialogueScript> ReadFolder(string folder)
    {
        List<DialogueScript> scripts = [];
        foreach (var file in Directory.EnumerateFiles(folder, "*.txt").Order(StringComparer.Ordinal))
        {
            scripts.AddRange(ReadFile(file));
        }

        return scripts;
    }

    private static IEnumerable<DialogueScript> ReadFile(string file)
    {
        List<(string Key, string Value)> block = [];
        foreach (var line in File.ReadLines(file).Append(string.Empty))
        {
            if (line.StartsWith('#'))
            {
                continue;
            }

            if (line.Length > 0)
            {
                block.Add(Split(file, line));
            }
            else if (block.Count > 0)
            {
                yield return ReadBlock(file, block);
                block.Clear();
            }
        }
    }

    private static (string Key, string Value) Split(string file, string line)
    {
        var colon = line.IndexOf(": ", StringComparison.Ordinal);
        return colon > 0
            ? (line[..colon], line[(colon + 2)..].Replace("\\n", "\n", StringComparison.Ordinal))
            : throw new InvalidDataException($"{file}: '{line}' is not 'key: value'.");
    }

    private static DialogueScript ReadBlock(string file, IReadOnlyList<(string Key, string Value)> block)
    {
        IEnumerable<string> All(string key) =>
            block.Where(pair => string.Equals(pair.Key, key, StringComparison.Ordinal)).Select(pair => pair.Value);
        string? Single(string key) => All(key).FirstOrDefault();
        var name = Single("name") ?? throw new InvalidDataException($"{file}: a block has no name.");
        var turns = ReadTurns(block);
        return turns.Count > 0 && turns[^1].Steps is [.., { Kind: StepKind.Final }]
            ? new DialogueScript(
                name,
                double.Parse(Single("weight") ?? "1", System.Globalization.CultureInfo.InvariantCulture),
                ReadTables(Single("with")),
                Single("alone") is not null,
                Single("tools") is not null,
                [.. All("format")],
                turns)
            : throw new InvalidDataException($"{file}: block '{name}' does not end with 'say'.");
    }

    private static IReadOnlyList<(string Prefix, string Table)> ReadTables(string? with) =>
        with is null ? [] : [.. with.Split(", ").Select(ReadTable)];

    private static (string Prefix, string Table) ReadTable(string text) =>
        text.Split('=') is [var prefix, var table] ? (prefix + ".", table) : (string.Empty, text);

    private static List<ScriptTurn> ReadTurns(IReadOnlyList<(string Key, string Value)> block)
    {
        List<ScriptTurn> turns = [];
        List<string> phrasings = [], heldOut = [];
        List<ScriptStep> steps = [];
        foreach (var (key, value) in block)
        {
            if (key is "user" && steps.Count > 0)
            {
                turns.Add(new ScriptTurn(phrasings, heldOut, steps));
                (phrasings, heldOut, steps) = ([], [], []);
            }

            switch (key)
            {
                case "user": phrasings.Add(value); break;
                case "held": heldOut.Add(value); break;
                case "think": steps.Add(new ScriptStep(StepKind.Analysis, [value])); break;
                case "think+": steps[^1] = steps[^1] with { Detailed = value }; break;
                case "call": steps.Add(new ScriptStep(StepKind.Call, [value])); break;
                case "say": steps.Add(new ScriptStep(StepKind.Final, [value])); break;
                case "result": AddResult(steps, value); break;
                default: break;
            }
        }

        turns.Add(new ScriptTurn(phrasings, heldOut, steps));
        return turns;
    }

    private static void AddResult(List<ScriptStep> steps, string value)
    {
        if (steps is [.., { Kind: StepKind.Result } last])
        {
            steps[^1] = last with { Alternatives = [.. last.Alternatives, value] };
        }
        else
        {
            steps.Add(new ScriptStep(StepKind.Result, [value]));
        }
    }
}
