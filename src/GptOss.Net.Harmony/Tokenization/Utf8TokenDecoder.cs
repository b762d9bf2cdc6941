using System.Text;

namespace GptOss.Net.Harmony;

/// <summary>Turns the bytes of one token after the other into text, and keeps an incomplete character back until it is complete.</summary>
/// <remarks>Bytes that cannot be UTF-8 become U+FFFD. Never returns half of a surrogate pair. Not thread-safe.</remarks>
public sealed class Utf8TokenDecoder
{
    private readonly HarmonyTokenizer _tokenizer;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    /// <summary>Creates a decoder with nothing pending.</summary>
    /// <param name="tokenizer">Knows the bytes of the tokens.</param>
    public Utf8TokenDecoder(HarmonyTokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        _tokenizer = tokenizer;
    }

    /// <summary>Appends a token and returns the text that is complete now; empty when none is.</summary>
    /// <param name="id">A token id from 0 to <see cref="ControlToken.Last"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public string Append(int id) => Append(_tokenizer.GetBytes(id));

    /// <summary>Appends bytes and returns the text that is complete now; empty when none is.</summary>
    /// <param name="bytes">Any bytes.</param>
    public string Append(ReadOnlySpan<byte> bytes) => Decode(bytes, flush: false);

    /// <summary>Gives up waiting: returns U+FFFD for an incomplete character, otherwise nothing, and starts afresh.</summary>
    public string Flush() => Decode(default, flush: true);

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        var count = _decoder.GetCharCount(bytes, flush);
        if (count == 0)
        {
            _decoder.GetChars(bytes, [], flush); // still takes the incomplete bytes in
            return string.Empty;
        }

        var chars = new char[count];
        return new string(chars, 0, _decoder.GetChars(bytes, chars, flush));
    }
}
