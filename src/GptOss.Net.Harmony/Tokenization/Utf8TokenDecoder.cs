using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace GptOss.Net.Harmony;

/// <summary>
/// Turns the bytes of one token after the other into text, and keeps a token back that ends within a character until the character is
/// complete.
/// </summary>
/// <remarks>Bytes that cannot be UTF-8 become U+FFFD. Never returns half of a surrogate pair. Not thread-safe.</remarks>
public sealed class Utf8TokenDecoder
{
    private const int MaxPending = 256; // bytes; more than a token with part of a character at its end

    private readonly HarmonyTokenizer _tokenizer;
    private byte[] _pending = [];

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
    /// <param name="bytes">Any bytes. Those before an incomplete character wait with it.</param>
    public string Append(ReadOnlySpan<byte> bytes)
    {
        byte[] all = [.. _pending, .. bytes];
        var isIncomplete = Rune.DecodeLastFromUtf8(all, out _, out var tail) == OperationStatus.NeedMoreData && all.Length > 0;
        var complete = isIncomplete ? all.AsSpan(..^tail) : all;
        var ready = isIncomplete && all.Length <= MaxPending && Utf8.IsValid(complete) ? 0 : complete.Length;
        _pending = all[ready..];
        return Encoding.UTF8.GetString(all, 0, ready);
    }

    /// <summary>Gives up waiting: returns what is pending, with U+FFFD for the incomplete character, and starts afresh.</summary>
    public string Flush()
    {
        var text = Encoding.UTF8.GetString(_pending);
        _pending = [];
        return text;
    }
}
