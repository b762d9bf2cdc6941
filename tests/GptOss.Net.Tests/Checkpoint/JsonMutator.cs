using System.Text;

namespace GptOss.Net.Tests.Checkpoint;

/// <summary>Damages a JSON text at one to three places; one seed, one damage.</summary>
internal static class JsonMutator
{
    private static readonly string[] Fragments =
        ["0", "-", "9", ".", "e9", "{", "}", "[", "]", "\"", ",", ":", "\\ud800", "null", "true", "\"\"", "[]", "{}", "\0", "../"];

    public static byte[] Mutate(ReadOnlySpan<byte> source, int seed)
    {
        var random = new Random(seed);
        var json = source.ToArray();
        for (var i = random.Next(1, 4); i > 0 && json.Length > 0; i--)
        {
            var at = random.Next(json.Length);
            json = random.Next(3) switch
            {
                0 => [.. json[..at], (byte)(json[at] ^ (1 << random.Next(8))), .. json[(at + 1)..]],
                1 => [.. json[..at], .. Encoding.UTF8.GetBytes(Fragments[random.Next(Fragments.Length)]), .. json[at..]],
                _ => [.. json[..at], .. json[Math.Min(json.Length, at + random.Next(1, 12))..]],
            };
        }

        return json;
    }
}
