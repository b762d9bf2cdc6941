namespace GptOss.Net.Harmony;

/// <summary>Collects what of a schema is not enforced, each once.</summary>
internal sealed class SchemaOmissions
{
    private const int MaxListed = 100;

    private readonly HashSet<(string Path, string Problem)> _seen = [];
    private readonly List<SchemaOmission> _listed = [];

    /// <summary>The first of them.</summary>
    public IReadOnlyList<SchemaOmission> Listed => _listed;

    public void Add(SchemaPath path, string problem, SchemaOmissionKind kind = SchemaOmissionKind.Unsupported)
    {
        if (_listed.Count < MaxListed && _seen.Add((path.ToString(), problem)))
        {
            _listed.Add(new SchemaOmission(path, problem, kind));
        }
    }
}
