using System.Globalization;

namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>The characters of Unicode's general categories.</summary>
internal static class UnicodeCategories
{
    private const int CodePoints = 0x110000;

    // In the order of UnicodeCategory.
    private static readonly string[] Names =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe",
        "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
    ];

    private static readonly Dictionary<string, string> LongNames = new(StringComparer.Ordinal)
    {
        ["Letter"] = "L",
        ["Uppercase_Letter"] = "Lu",
        ["Lowercase_Letter"] = "Ll",
        ["Mark"] = "M",
        ["Number"] = "N",
        ["Decimal_Number"] = "Nd",
        ["Punctuation"] = "P",
        ["Symbol"] = "S",
        ["Separator"] = "Z",
        ["Space_Separator"] = "Zs",
        ["Other"] = "C",
    };

    private static readonly Lazy<List<CharacterRange>[]> Ranges = new(Read);

    /// <summary>Returns the characters of a category, such as <c>L</c> or <c>Lu</c>; null if there is no such category.</summary>
    public static CharacterSet? Find(string name)
    {
        name = name.Split('=')[^1];
        name = LongNames.GetValueOrDefault(name, name);
        var ranges = Names.Index().Where(category => Belongs(category.Item, name))
            .SelectMany(category => Ranges.Value[category.Index]).ToList();
        return ranges.Count == 0 ? null : new CharacterSet(ranges);
    }

    private static bool Belongs(string category, string name) =>
        string.Equals(category, name, StringComparison.Ordinal) || (name.Length == 1 && category[0] == name[0]);

    private static List<CharacterRange>[] Read()
    {
        var ranges = Names.Select(_ => new List<CharacterRange>()).ToArray();
        for (var low = 0; low < CodePoints;)
        {
            var category = CharUnicodeInfo.GetUnicodeCategory(low);
            var high = low;
            while (high + 1 < CodePoints && CharUnicodeInfo.GetUnicodeCategory(high + 1) == category)
            {
                high++;
            }

            ranges[(int)category].Add(new CharacterRange(low, high));
            low = high + 1;
        }

        return ranges;
    }
}
