using System.Globalization;

namespace GptOss.Net.Harmony;

/// <summary>Where in a schema something is, for messages: a JSON pointer that begins with <c>#</c>.</summary>
internal sealed record SchemaPath(SchemaPath? Parent, string? Name, int Index = 0)
{
    private const int MaxLength = 300;
    private const int MaxNameLength = 60;

    public static readonly SchemaPath Root = new(null, "#");

    /// <summary>The name of the property that the schema is of, or is within; null if there is none.</summary>
    public string? Property
    {
        get
        {
            for (var path = this; path.Parent is { Parent: not null } parent; path = parent)
            {
                if (path.Name is { } name && parent.Name is "properties")
                {
                    return name.Length > MaxNameLength ? $"{name.AsSpan(0, MaxNameLength)}..." : name;
                }
            }

            return null;
        }
    }

    /// <summary>The step from the parent.</summary>
    public string Segment => Name ?? Index.ToString(CultureInfo.InvariantCulture);

    public SchemaPath Add(string name) => new(this, name);

    public SchemaPath Add(int index) => new(this, null, index);

    /// <summary>The steps from the root.</summary>
    public IReadOnlyList<string> Segments()
    {
        var segments = new List<string>();
        for (var path = this; path.Parent is { } parent; path = parent)
        {
            segments.Add(path.Segment);
        }

        segments.Reverse();
        return segments;
    }

    public override string ToString()
    {
        var text = string.Join('/', ["#", .. Segments().Select(Escape)]);
        return text.Length > MaxLength ? $"{text.AsSpan(0, MaxLength)}..." : text;
    }

    private static string Escape(string segment) =>
        segment.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
