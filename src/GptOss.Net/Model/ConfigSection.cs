using System.Text.Json;

namespace GptOss.Net.Model;

/// <summary>An object of config.json. What it returns is checked; what it throws names the field, its value and what is expected.</summary>
internal readonly struct ConfigSection
{
    private readonly JsonElement _element;
    private readonly string _path;
    private readonly string _prefix;

    public ConfigSection(JsonElement element, string path, string prefix = "")
    {
        _element = element;
        _path = path;
        _prefix = prefix;
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new CheckpointException($"{(prefix.Length == 0 ? "the file" : prefix.TrimEnd('.'))} must be a JSON object.", path, tensor: null);
        }
    }

    /// <summary>Whether a field is there and not null.</summary>
    public bool Has(string name) => Find(name) is not null;

    public ConfigSection? Section(string name) =>
        Find(name) is { } element ? new ConfigSection(element, _path, $"{_prefix}{name}.") : null;

    public int Int32(string name, int smallest, int largest) =>
        Find(name) is { ValueKind: JsonValueKind.Number } element && element.TryGetInt32(out var value) && value >= smallest && value <= largest
            ? value
            : throw Invalid(name, $"an integer from {smallest} to {largest}");

    public double Double(string name, double smallest, double largest) =>
        Find(name) is { ValueKind: JsonValueKind.Number } element && element.TryGetDouble(out var value) && value >= smallest && value <= largest
            ? value
            : throw Invalid(name, FormattableString.Invariant($"a number from {smallest} to {largest}"));

    public double Double(string name, double smallest, double largest, double absent) =>
        Has(name) ? Double(name, smallest, largest) : absent;

    public bool Boolean(string name, bool absent) => Find(name) switch
    {
        null => absent,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw Invalid(name, "true or false"),
    };

    public string String(string name) => Find(name) is { } element ? Text(element, name) : throw Invalid(name, "a string");

    public IReadOnlyList<string>? Strings(string name, int largestCount)
    {
        if (Find(name) is not { } element)
        {
            return null;
        }

        if (element.ValueKind != JsonValueKind.Array || element.GetArrayLength() > largestCount)
        {
            throw Invalid(name, $"a list of at most {largestCount} strings");
        }

        var strings = new List<string>();
        foreach (var item in element.EnumerateArray())
        {
            strings.Add(Text(item, name));
        }

        return strings;
    }

    public void Expect(string name, string value, bool isOptional = false)
    {
        if ((!isOptional || Has(name)) && !string.Equals(String(name), value, StringComparison.Ordinal))
        {
            throw Invalid(name, $"'{value}'");
        }
    }

    public void ExpectTrue(string name, bool isOptional)
    {
        if (!Boolean(name, absent: isOptional))
        {
            throw Invalid(name, "true");
        }
    }

    public CheckpointException Invalid(string name, string found, string expected) =>
        new($"{_prefix}{name} is {found}; expected {expected}.", _path, tensor: null);

    private CheckpointException Invalid(string name, string expected) =>
        Invalid(name, Find(name) is { } element ? Abbreviate(element.GetRawText()) : "absent", expected);

    private static string Abbreviate(string text) => text.Length <= 80 ? text : text[..80] + "…";

    private string Text(JsonElement element, string name)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String ? element.GetString()! : throw Invalid(name, "a string");
        }
        catch (InvalidOperationException)
        {
            // An escape that is half of a surrogate pair.
            throw Invalid(name, "valid Unicode text");
        }
    }

    private JsonElement? Find(string name) =>
        _element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
