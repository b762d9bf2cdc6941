using System.Globalization;

namespace DemoModelTrainer.Corpus;

/// <summary>The tables that need no file: numbers and what they make together.</summary>
internal static class NumberTables
{
    private const int LargestSummand = 20;
    private const int LargestFactor = 10;

    public static IEnumerable<KeyValuePair<string, Table>> All { get; } =
    [
        new("sums", Pairs("sum", LargestSummand, (_, _) => true, (a, b) => a + b)),
        new("differences", Pairs("difference", LargestSummand, (a, b) => a >= b, (a, b) => a - b)),
        new("products", Pairs("product", LargestFactor, (_, _) => true, (a, b) => a * b)),
        new("numbers", new Table(["n", "next"], [.. Enumerable.Range(0, 100).Select(n => Row(n, n + 1))])),
        new("ages", Single("age", 1, 99)),
        new("degrees", Single("degrees", -10, 40)),
        new("large", Single("n", 41, 999)),
    ];

    private static Table Pairs(string column, int largest, Func<int, int, bool> isAsked, Func<int, int, int> result)
    {
        var numbers = Enumerable.Range(0, largest + 1).ToList();
        var rows = from a in numbers from b in numbers where isAsked(a, b) select Row(a, b, result(a, b));
        return new Table(["a", "b", column], [.. rows]);
    }

    private static Table Single(string column, int first, int last) =>
        new([column], [.. Enumerable.Range(first, last - first + 1).Select(n => Row(n))]);

    private static IReadOnlyList<string> Row(params int[] values) =>
        [.. values.Select(value => value.ToString(CultureInfo.InvariantCulture))];
}
