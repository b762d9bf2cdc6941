using System.Globalization;

namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>Where in a schema something is, for messages: a JSON pointer that begins with <c>#</c>.</summary>
internal sealed record SchemaPath(SchemaPath? Parent, string? Name, int Index = 0)
{
    private const int MaxLength = 300;

    public static readonly SchemaPath Root = new(null, "#");

    private string Segment => Name ?? Index.ToString(CultureInfo.InvariantCulture);

    public SchemaPath Add(string name) => new(this, name);

    public SchemaPath Add(int index) => new(this, null, index);

    public override string ToString()
    {
        var segments = new List<string>();
        for (var path = this; path is not null; path = path.Parent)
        {
            segments.Add(path.Parent is null ? path.Segment : path.Segment.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal));
        }

        segments.Reverse();
        var text = string.Join('/', segments);
        return text.Length > MaxLength ? $"{text.AsSpan(0, MaxLength)}..." : text;
    }
}
