using System.Collections.Immutable;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>What is known of a value beside the schemas that it satisfies.</summary>
internal sealed record SchemaFacts
{
    /// <summary>Nothing.</summary>
    public static readonly SchemaFacts None = new();

    /// <summary>That there is no such value.</summary>
    public static readonly SchemaFacts Never = new() { Types = JsonTypes.None };

    /// <summary>The types that it may have.</summary>
    public JsonTypes Types { get; init; } = JsonTypes.All;

    /// <summary>Values that it is none of.</summary>
    public ImmutableList<JsonElement> Excluded { get; init; } = [];

    /// <summary>Properties that it has, if it is an object.</summary>
    public ImmutableSortedSet<string> Present { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    /// <summary>Properties that it does not have, if it is an object.</summary>
    public ImmutableSortedSet<string> Absent { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    /// <summary>Equal for the same types and properties.</summary>
    public string Key =>
        Types == JsonTypes.All && Present.IsEmpty && Absent.IsEmpty ? "" : $"{(int)Types} +{Names(Present)} -{Names(Absent)}";

    private static string Names(ImmutableSortedSet<string> names) => string.Join(' ', names.Select(JsonText.Quote));
}
