using System.Globalization;
using System.Text.Json;

namespace GptOss.Net.Model;

/// <summary>An object of config.json. What it returns is checked; what it throws names the field, its value and what is expected.</summary>
internal readonly struct ConfigSection
{
    private readonly JsonElement _element;
    private readonly string _path;
    private readonly string _prefix;

    // The names that were asked for, with the prefix of their section; shared by all sections of the file.
    private readonly HashSet<string> _read;

    public ConfigSection(JsonElement element, string path)
        : this(element, path, prefix: "", new HashSet<string>(StringComparer.Ordinal))
    {
    }

    private ConfigSection(JsonElement element, string path, string prefix, HashSet<string> read)
    {
        (_element, _path, _prefix, _read) = (element, path, prefix, read);
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new CheckpointException(
                $"{(prefix.Length == 0 ? "the file" : prefix.TrimEnd('.'))} must be a JSON object.", path, tensor: null);
        }
    }

    /// <summary>Whether a field is there and not null.</summary>
    public bool Has(string name) => Find(name) is not null;

    public ConfigSection? Section(string name) =>
        Find(name) is { } element ? new ConfigSection(element, _path, $"{_prefix}{name}.", _read) : null;

    /// <summary>The one of two names of a field that the file uses; where it uses both, they must agree.</summary>
    public string Spelling(string name, string other)
    {
        if (Find(other) is not { } second)
        {
            return name;
        }

        return Find(name) is not { } first || JsonElement.DeepEquals(first, second)
            ? other
            : throw Invalid(other, Abbreviate(second.GetRawText()), $"{name} = {Abbreviate(first.GetRawText())}, or only one of the two");
    }

    public int Int32(string name, int smallest, int largest) =>
        Find(name) is { ValueKind: JsonValueKind.Number } element && element.TryGetInt32(out var value) && value >= smallest
            && value <= largest
            ? value
            : throw Invalid(name, $"an integer from {smallest} to {largest}");

    public double Double(string name, double smallest, double largest) =>
        Find(name) is { ValueKind: JsonValueKind.Number } element && element.TryGetDouble(out var value) && value >= smallest
            && value <= largest
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

    /// <summary>Whether a field is this text.</summary>
    public bool Is(string name, string text) => Find(name) is { ValueKind: JsonValueKind.String } element && element.ValueEquals(text);

    /// <summary>The names of the fields.</summary>
    public IReadOnlyList<string> Names() => [.. Properties().Select(property => property.Name)];

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

    public void Expect(string name, string value)
    {
        if (!string.Equals(String(name), value, StringComparison.Ordinal))
        {
            throw Invalid(name, $"'{value}'");
        }
    }

    /// <summary>
    /// Checks a field that may be absent and must otherwise have a value: a string, truth value, number or, for none, null.
    /// </summary>
    public void ExpectValue(string name, object? value)
    {
        if (Find(name) is not { } element)
        {
            return;
        }

        var isExpected = value switch
        {
            string text => string.Equals(Text(element, name), text, StringComparison.Ordinal),
            bool flag => element.ValueKind == (flag ? JsonValueKind.True : JsonValueKind.False),
            double number => element.ValueKind == JsonValueKind.Number
                && element.TryGetDouble(out var stored)
                && Math.Abs(stored - number) <= 1e-6 * Math.Abs(number),
            _ => false,
        };
        if (!isExpected)
        {
            throw Invalid(name, value switch
            {
                string text => $"'{text}'",
                bool flag => flag ? "true" : "false",
                double number => number.ToString(CultureInfo.InvariantCulture),
                _ => "none",
            });
        }
    }

    public void ExpectTrue(string name, bool isOptional)
    {
        if (!Boolean(name, absent: isOptional))
        {
            throw Invalid(name, "true");
        }
    }

    /// <summary>The fields here and in sections below that nobody asked for and that hold something, by their whole names.</summary>
    public IReadOnlyList<string> Unread()
    {
        var names = new List<string>();
        foreach (var (name, value) in Properties())
        {
            var isNothing = value.ValueKind switch
            {
                JsonValueKind.Null => true,
                JsonValueKind.Array => value.GetArrayLength() == 0,
                JsonValueKind.Object => value.GetPropertyCount() == 0,
                _ => false,
            };
            if (!isNothing && !_read.Contains(_prefix + name))
            {
                names.Add(_prefix + name);
            }
            else if (value.ValueKind == JsonValueKind.Object)
            {
                names.AddRange(new ConfigSection(value, _path, $"{_prefix}{name}.", _read).Unread());
            }
        }

        return names;
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

    private List<(string Name, JsonElement Value)> Properties()
    {
        try
        {
            return [.. _element.EnumerateObject().Select(property => (property.Name, property.Value))];
        }
        catch (InvalidOperationException exception)
        {
            throw new CheckpointException("holds an escape that is half of a surrogate pair.", _path, tensor: null, exception);
        }
    }

    private JsonElement? Find(string name)
    {
        _read.Add(_prefix + name);
        return _element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }
}
