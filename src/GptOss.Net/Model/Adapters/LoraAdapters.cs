namespace GptOss.Net.Model.Adapters;

/// <summary>The adapters that a model is loaded with. Owns them.</summary>
internal sealed class LoraAdapters : IDisposable
{
    private readonly List<LoraAdapter> _adapters = [];

    /// <summary>Opens adapters.</summary>
    /// <param name="directories">Their directories.</param>
    public LoraAdapters(IReadOnlyList<string> directories)
    {
        try
        {
            foreach (var directory in directories)
            {
                _adapters.Add(LoraAdapter.Open(directory));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Gets the files that they are read from, in their order.</summary>
    public IEnumerable<string> Paths => _adapters.SelectMany(adapter => adapter.Paths);

    /// <summary>Adds all of them to the weights, one after the other; nothing is read yet.</summary>
    public ModelWeights Merge(ModelConfig config, ModelWeights weights) =>
        _adapters.Aggregate(weights, (merged, adapter) => LoraMerge.Merge(config, merged, adapter));

    public void Dispose() => _adapters.ForEach(adapter => adapter.Dispose());
}
