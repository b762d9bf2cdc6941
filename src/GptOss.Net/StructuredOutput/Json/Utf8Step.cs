using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput.Json;

/// <summary>
/// The bytes that complete a character: <paramref name="More"/> bytes, the next of them from <paramref name="Low"/> to
/// <paramref name="High"/>.
/// </summary>
internal readonly record struct Utf8Step(byte Low, byte High, byte More)
{
    /// <summary>Whether no byte is missing.</summary>
    public bool IsComplete => More == 0;

    /// <summary>The characters that begin with so many bits.</summary>
    public CharacterRange Range(int bits)
    {
        var shift = 6 * (More - 1);
        var (low, high) = ((bits << 6) | (Low & 0x3F), (bits << 6) | (High & 0x3F));
        return new CharacterRange(low << shift, ((high + 1) << shift) - 1);
    }

    /// <summary>Begins a character with a byte above 0x7F; false if no character begins with it.</summary>
    public static bool TryStart(byte lead, out Utf8Step step)
    {
        step = lead switch
        {
            >= 0xC2 and <= 0xDF => new Utf8Step(0x80, 0xBF, 1),
            0xE0 => new Utf8Step(0xA0, 0xBF, 2),
            0xED => new Utf8Step(0x80, 0x9F, 2),
            >= 0xE1 and <= 0xEF => new Utf8Step(0x80, 0xBF, 2),
            0xF0 => new Utf8Step(0x90, 0xBF, 3),
            >= 0xF1 and <= 0xF3 => new Utf8Step(0x80, 0xBF, 3),
            0xF4 => new Utf8Step(0x80, 0x8F, 3),
            _ => default,
        };
        return step.More > 0;
    }

    /// <summary>Takes one more byte; false if it may not follow.</summary>
    public bool TryAdvance(byte next, out Utf8Step step)
    {
        step = new Utf8Step(0x80, 0xBF, (byte)(More - 1));
        return next >= Low && next <= High;
    }
}
