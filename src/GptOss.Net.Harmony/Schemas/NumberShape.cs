namespace GptOss.Net.Harmony;

/// <summary>A number.</summary>
/// <param name="Ranges">Where it lies; null if it has no bounds.</param>
/// <param name="FractionDigits">How many digits a bounded number has behind the point at most: 0 for whole numbers.</param>
internal sealed record NumberShape(IReadOnlyList<NumberRange>? Ranges, int FractionDigits) : SchemaShape;
