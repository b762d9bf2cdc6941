namespace DemoModelTrainer.Evaluation;

/// <summary>How many conversations the model would continue word for word.</summary>
internal sealed record Accuracy(int Right, int Total, double Loss, IReadOnlyDictionary<string, (int Right, int Total)> ByScript)
{
    public double Share => (double)Right / Total;

    public IEnumerable<string> WeakScripts => ByScript
        .Where(entry => entry.Value.Right < entry.Value.Total)
        .OrderBy(entry => (double)entry.Value.Right / entry.Value.Total)
        .Select(entry => $"{entry.Key} {entry.Value.Right}/{entry.Value.Total}");
}
