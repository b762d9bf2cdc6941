using System.Text;
using CsCheck;

namespace GptOss.Net.Harmony.Tests;

/// <summary>Random texts that reach the corners of the splitting rules.</summary>
internal static class Texts
{
    private static readonly string[] Fragments =
    [
        "a", "A", "the", "The", "HTTPServer", "don't", "I'LL", "'s", "'", "x1", "12345", "٣٤", "½", "Ⅷ", " ", "  ", "\t", "\n", "\r\n",
        "\u00a0", "\u3000", "\u2028", "/", "//\n", "...", "!?", "<|end|>", "<|start|>system<|message|>", "$", "_", "-", "é", "e\u0301",
        "\u0301",
        "ß", "ǅ", "ʰ", "你好世界", "こんにちは", "สวัสดี", "안녕", "مرحبا", "Привет", "Ω", "\u200b", "\u200d", "\ufeff", "\u0000", "\u001c",
        "{\"k\": [1, 2.5]}",
    ];

    // Where .NET regular expressions differ from the official one.
    private static readonly string[] Beyond = ["👋", "👩‍👩‍👧‍👦", "🏳️‍🌈", "𝛑", "𝐀𝐛", "𝟏𝟐𝟑𝟒", "𠀀", "𐐀𐐨", "😀b", "'ſ"];

    /// <summary>Texts within the first 65,536 code points.</summary>
    public static Gen<string> Basic { get; } =
        Of(Gen.OneOf(OneOf(Fragments), Gen.Char.Where(c => !char.IsSurrogate(c)).Select(c => c.ToString())));

    /// <summary>Any well-formed texts.</summary>
    public static Gen<string> Any { get; } = Of(Gen.OneOf(
        OneOf(Fragments),
        OneOf(Beyond),
        Gen.Int[0, 0x10FFFF].Where(Rune.IsValid).Select(value => new Rune(value).ToString())));

    /// <summary>One of given values.</summary>
    public static Gen<T> OneOf<T>(params IReadOnlyList<T> values) => Gen.Int[0, values.Count - 1].Select(index => values[index]);

    private static Gen<string> Of(Gen<string> part) => part.Array[0, 40].Select(string.Concat);
}
