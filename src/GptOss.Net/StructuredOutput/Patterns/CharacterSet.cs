using System.Collections.Immutable;

namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>A set of code points: ranges in order that neither overlap nor touch.</summary>
internal sealed class CharacterSet
{
    private const int Last = 0x10FFFF;

    /// <summary>
    /// The characters that a generated string may hold: all but surrogates and control characters without a short escape.
    /// </summary>
    public static readonly CharacterSet Usable = new([new(0x08, 0x0A), new(0x0C, 0x0D), new(0x20, 0xD7FF), new(0xE000, Last)]);

    /// <summary>A full stop: all but line ends.</summary>
    public static readonly CharacterSet Dot = Of('\n', '\r', '\u2028', '\u2029').Negate();

    /// <summary>ASCII digits, as in ECMAScript.</summary>
    public static readonly CharacterSet Digits = new([new('0', '9')]);

    /// <summary>ASCII letters, digits and the underscore, as in ECMAScript.</summary>
    public static readonly CharacterSet Words = new([new('0', '9'), new('A', 'Z'), new('_', '_'), new('a', 'z')]);

    /// <summary>All of ASCII.</summary>
    public static readonly CharacterSet Ascii = new([new(0, 127)]);

    /// <summary>White space.</summary>
    public static readonly CharacterSet Spaces = new(
    [
        new('\t', '\r'), new(' ', ' '), new(0x85, 0x85), new(0xA0, 0xA0), new(0x1680, 0x1680), new(0x2000, 0x200A),
        new(0x2028, 0x2029), new(0x202F, 0x202F), new(0x205F, 0x205F), new(0x3000, 0x3000), new(0xFEFF, 0xFEFF),
    ]);

    // In the order of their first letters.
    private static readonly Lazy<(int One, int Other)[]> Cases = new(() =>
    [
        .. from letter in Enumerable.Range(0, 0x10000)
           where !char.IsSurrogate((char)letter)
           from other in new int[] { char.ToLowerInvariant((char)letter), char.ToUpperInvariant((char)letter) }
           where other != letter
           from pair in new[] { (letter, other), (other, letter) }
           orderby pair
           select pair,
    ]);

    public CharacterSet(IEnumerable<CharacterRange> ranges)
    {
        var merged = ImmutableArray.CreateBuilder<CharacterRange>();
        foreach (var range in ranges.OrderBy(range => range.Low))
        {
            if (merged.Count > 0 && range.Low <= merged[^1].High + 1)
            {
                merged[^1] = merged[^1] with { High = Math.Max(merged[^1].High, range.High) };
            }
            else
            {
                merged.Add(range);
            }
        }

        Ranges = merged.ToImmutable();
    }

    public ImmutableArray<CharacterRange> Ranges { get; }

    public static CharacterSet Of(params ReadOnlySpan<int> characters)
    {
        var ranges = new List<CharacterRange>();
        foreach (var character in characters)
        {
            ranges.Add(new(character, character));
        }

        return new CharacterSet(ranges);
    }

    /// <summary>Adds the other case of each letter.</summary>
    public CharacterSet WithBothCases()
    {
        var (cases, ranges) = (Cases.Value, Ranges.ToList());
        foreach (var range in Ranges)
        {
            // No pair has -1: what is found is where it would stand, before all pairs of the range's first character.
            for (var i = ~Array.BinarySearch(cases, (range.Low, -1)); i < cases.Length && cases[i].One <= range.High; i++)
            {
                ranges.Add(new CharacterRange(cases[i].Other, cases[i].Other));
            }
        }

        return new CharacterSet(ranges);
    }

    public CharacterSet Negate()
    {
        var ranges = new List<CharacterRange>();
        var low = 0;
        foreach (var range in Ranges)
        {
            if (range.Low > low)
            {
                ranges.Add(new(low, range.Low - 1));
            }

            low = range.High + 1;
        }

        if (low <= Last)
        {
            ranges.Add(new(low, Last));
        }

        return new CharacterSet(ranges);
    }

    public CharacterSet Intersect(CharacterSet other) => new(
        from left in Ranges
        from right in other.Ranges
        where left.Low <= right.High && right.Low <= left.High
        select new CharacterRange(Math.Max(left.Low, right.Low), Math.Min(left.High, right.High)));
}
