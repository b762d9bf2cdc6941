using System.Globalization;
using System.Text;

namespace GptOss.Net.Tests.Checkpoint;

/// <summary>Makes a valid header, then damages its structure, its text, both or neither; one seed, one header.</summary>
internal sealed class HeaderMutator(int seed)
{
    private static readonly string[] Types = ["BOOL", "U8", "I8", "F16", "BF16", "I32", "F32", "I64", "F64", "F8_E4M3", "F4", "", "bf16"];
    private static readonly int[] Sizes = [1, 1, 1, 2, 2, 4, 4, 8, 8, 1];

    private static readonly string[] Values =
    [
        "-1", "0", "1", "255", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551616", "1e3", "0.5", "-0",
        "null", "true", "\"\"", "[]", "{}", "[[]]", "[1]", "[0,0]", "\"U8\"", "1e999", "00", "",
    ];

    private static readonly string[] Fragments =
        [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "\\u0061", "\0", " ", "\n", "\uFEFF", "é", "__metadata__",
            "dtype", "//", "/*", "NaN",
        ];

    private readonly Random _random = new(seed);

    public (byte[] Header, long DataLength) Next()
    {
        var entries = new List<string[]>();
        var position = 0L;
        for (var i = _random.Next(6); i > 0; i--)
        {
            var type = _random.Next(Sizes.Length);
            var shape = Enumerable.Range(0, _random.Next(5)).Select(_ => (long)_random.Next(5)).ToArray();
            var end = position + shape.Aggregate((long)Sizes[type], (product, dimension) => product * dimension);
            entries.Add([$"\"t{i}\"", $"\"{Types[type]}\"", $"[{string.Join(',', shape)}]", Invariant(position), Invariant(end)]);
            position = end;
        }

        if (_random.Next(3) > 0)
        {
            MutateStructure(entries);
        }

        var header = Encoding.UTF8.GetBytes(Write(entries));
        for (var i = _random.Next(4); i > 1; i--)
        {
            header = MutateBytes(header);
        }

        return (header, _random.Next(20) == 0 ? position + _random.Next(-2, 3) : position);
    }

    private void MutateStructure(List<string[]> entries)
    {
        for (var i = _random.Next(3); i > 0 && entries.Count > 0; i--)
        {
            var entry = entries[_random.Next(entries.Count)];
            switch (_random.Next(6))
            {
                case 0:
                    entry[_random.Next(entry.Length)] = Pick(Values);
                    break;
                case 1:
                    entries.Add(entry);
                    break;
                case 2:
                    entries.Remove(entry);
                    break;
                case 3:
                    entry[1] = $"\"{Pick(Types)}\"";
                    break;
                case 4:
                    entry[2] = $"[{string.Join(',', Enumerable.Range(0, _random.Next(12)).Select(_ => Pick(Values)))}]";
                    break;
                default:
                    entries.Reverse();
                    break;
            }
        }
    }

    private string Write(List<string[]> entries)
    {
        var parts = entries.Select(e => $"{e[0]}:{{\"dtype\":{e[1]},\"shape\":{e[2]},\"data_offsets\":[{e[3]},{e[4]}]}}").ToList();
        if (_random.Next(3) == 0)
        {
            parts.Insert(_random.Next(parts.Count + 1), "\"__metadata__\":{\"format\":\"pt\"}");
        }

        return "{" + string.Join(',', parts) + "}" + new string(' ', _random.Next(9));
    }

    private byte[] MutateBytes(byte[] header)
    {
        var at = _random.Next(header.Length);
        switch (_random.Next(5))
        {
            case 0:
                header[at] ^= (byte)(1 << _random.Next(8));
                return header;
            case 1:
                header[at] = (byte)_random.Next(256);
                return header;
            case 2:
                return header[..Math.Max(1, at)];
            case 3:
                return [.. header[..at], .. Encoding.UTF8.GetBytes(Pick(Fragments)), .. header[at..]];
            default:
                var length = _random.Next(1, Math.Min(20, header.Length - at) + 1);
                return [.. header[..at], .. header[Math.Min(header.Length - 1, at + length)..]];
        }
    }

    private string Pick(string[] choices) => choices[_random.Next(choices.Length)];

    private static string Invariant(long value) => value.ToString(CultureInfo.InvariantCulture);
}
