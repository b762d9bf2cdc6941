namespace DemoModelTrainer.Corpus;

/// <summary>Values for placeholders: named columns and rows of which one is drawn.</summary>
internal sealed record Table(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>Reads a file whose first line names the columns; columns are separated by " | ".</summary>
    public static Table Read(string file)
    {
        var lines = File.ReadAllLines(file).Where(line => line.Length > 0).Distinct(StringComparer.Ordinal).ToList();
        var columns = lines[0].Split(" | ");
        var rows = lines.Skip(1).Select(line => (IReadOnlyList<string>)line.Split(" | ")).ToList();
        return rows.TrueForAll(row => row.Count == columns.Length)
            ? new Table(columns, rows)
            : throw new InvalidDataException($"{file}: a row does not have {columns.Length} columns.");
    }
}
